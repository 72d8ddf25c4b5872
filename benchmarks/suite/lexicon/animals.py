"""Animals: class and diet; young, sound, home and group of those that have a known one."""

from __future__ import annotations

KINDS = """
mammal herbivore: cow horse sheep goat deer elephant giraffe zebra rabbit kangaroo koala camel
mammal herbivore: beaver moose bison hippo rhino donkey buffalo gorilla manatee
mammal carnivore: lion tiger wolf leopard cheetah seal walrus dolphin otter polar_bear jaguar
mammal carnivore: weasel orca cat
mammal omnivore: pig bear fox dog rat mouse badger raccoon hedgehog monkey chimpanzee skunk squirrel
bird carnivore: eagle owl hawk falcon penguin pelican heron vulture
bird herbivore: parrot pigeon swan goose hummingbird
bird omnivore: chicken crow duck turkey ostrich sparrow robin seagull
fish carnivore: shark tuna pike barracuda
fish omnivore: goldfish carp catfish
reptile carnivore: crocodile snake alligator cobra python
reptile herbivore: iguana tortoise
amphibian carnivore: frog toad newt salamander
insect herbivore: bee butterfly grasshopper caterpillar moth
insect carnivore: dragonfly mantis ladybug
insect omnivore: ant cockroach wasp cricket
"""

YOUNG = """
dog=puppy cat=kitten cow=calf horse=foal sheep=lamb goat=kid pig=piglet deer=fawn lion=cub bear=cub
wolf=pup fox=kit duck=duckling goose=gosling chicken=chick swan=cygnet kangaroo=joey koala=joey
frog=tadpole toad=tadpole eagle=eaglet owl=owlet elephant=calf giraffe=calf whale=calf dolphin=calf
seal=pup tiger=cub leopard=cub rabbit=kit hare=leveret monkey=infant butterfly=caterpillar bee=larva
ant=larva fish=fry eel=elver spider=spiderling turkey=poult penguin=chick hawk=eyas zebra=foal
donkey=foal camel=calf bat=pup hippo=calf rhino=calf otter=pup mouse=pinky pigeon=squab moose=calf
buffalo=calf cheetah=cub panda=cub hedgehog=hoglet snake=snakelet crocodile=hatchling parrot=chick
turtle=hatchling beaver=kit squirrel=kit gorilla=infant rat=pup shark=pup wombat=joey
"""

SOUNDS = """
dog=bark cat=meow cow=moo horse=neigh sheep=baa goat=bleat pig=oink lion=roar tiger=growl wolf=howl
bear=growl fox=yelp duck=quack goose=honk chicken=cluck rooster=crow owl=hoot crow=caw raven=croak
frog=croak toad=croak snake=hiss bee=buzz fly=buzz mosquito=whine cricket=chirp sparrow=chirp
elephant=trumpet donkey=bray monkey=chatter mouse=squeak rat=squeak turkey=gobble dove=coo
pigeon=coo parrot=squawk hyena=laugh seal=bark dolphin=click whale=sing eagle=scream hawk=screech
peacock=scream bull=bellow lamb=bleat kitten=mew puppy=yap hen=cluck chick=cheep
coyote=howl camel=grunt squirrel=chatter seagull=squawk robin=tweet swan=hiss bat=screech
nightingale=sing lark=warble zebra=bray moose=bellow alligator=bellow gorilla=grunt
"""

HOMES = """
dog=kennel cat=basket cow=barn horse=stable sheep=fold pig=sty lion=den tiger=lair wolf=den
bear=den fox=den chicken=coop hen=coop bird=nest eagle=eyrie owl=tree_hollow bee=hive ant=anthill
spider=web rabbit=burrow mouse=hole beaver=lodge badger=sett squirrel=drey hare=form otter=holt
mole=tunnel bat=cave fish=aquarium goldfish=bowl pigeon=loft dove=dovecote parrot=cage canary=cage
hamster=cage wasp=nest termite=mound hornet=nest snail=shell turtle=shell oyster=shell
crocodile=swamp alligator=swamp frog=pond toad=pond duck=pond shark=ocean whale=ocean camel=desert
scorpion=desert monkey=jungle gorilla=jungle polar_bear=Arctic penguin=Antarctic zebra=savanna
giraffe=savanna elephant=savanna donkey=stable goat=pen
"""

GROUPS = """
cow=herd sheep=flock wolf=pack lion=pride bee=swarm fish=school goose=gaggle whale=pod dolphin=pod
crow=murder owl=parliament ant=colony elephant=herd deer=herd bird=flock pigeon=flock dog=pack
hyena=cackle locust=plague monkey=troop gorilla=band kangaroo=mob penguin=colony puppy=litter
kitten=litter horse=herd zebra=dazzle giraffe=tower camel=caravan leopard=leap tiger=ambush
fox=skulk bear=sloth rabbit=colony mouse=nest rat=mischief squirrel=scurry frog=army
snake=nest crocodile=bask turtle=bale shark=shiver jellyfish=smack salmon=run eagle=convocation
hawk=cast raven=unkindness swan=wedge duck=raft chicken=brood turkey=rafter peacock=muster
parrot=pandemonium flamingo=flamboyance butterfly=kaleidoscope fly=swarm wasp=swarm bat=cauldron
rhino=crash hippo=bloat buffalo=gang pig=drove goat=tribe cat=clowder
"""


def kinds() -> dict[str, tuple[str, str]]:
    """`{animal: (class, diet)}`."""
    told = {}
    for row in KINDS.strip().splitlines():
        heading, animals = row.split(": ")
        kind, diet = heading.split()
        told.update({animal.replace("_", " "): (kind, diet) for animal in animals.split()})
    return told
