"""Relations of people, animals and things: nouns for the input, a sheet, and the pairs of each."""

from __future__ import annotations

ASSOCIATIONS = """
practitioner
: a field of activity; a field, such as music
= the person who works in the field | the word for somebody active in it | the expert's title
= what one calls the person who does this
> name the person who practises it | say who works in this field | tell who does it for a living
. music=musician physics=physicist chemistry=chemist biology=biologist history=historian
. mathematics=mathematician politics=politician science=scientist art=artist poetry=poet
. economics=economist psychology=psychologist philosophy=philosopher magic=magician law=lawyer
. medicine=doctor farming=farmer fishing=fisherman hunting=hunter teaching=teacher cooking=cook
. baking=baker painting=painter singing=singer dancing=dancer acting=actor writing=writer
. journalism=journalist photography=photographer astronomy=astronomer geology=geologist
. zoology=zoologist botany=botanist archaeology=archaeologist engineering=engineer surgery=surgeon
. dentistry=dentist nursing=nurse plumbing=plumber carpentry=carpenter piano=pianist
. violin=violinist guitar=guitarist flute=flutist drums=drummer football=footballer cycling=cyclist

use
: a thing; the name of an object
= the verb for what one does with the thing | the action that the object is made for
= the main use of it, as a verb | what the object lets one do, in one verb
> say what the thing is used for, with a verb | name the action one does with the object
> tell by a verb what people do with it
. knife=cut scissors=cut pen=write pencil=write broom=sweep oven=bake telephone=call needle=sew
. spade=dig shovel=dig axe=chop camera=photograph ruler=measure scale=weigh bed=sleep chair=sit
. soap=wash towel=dry comb=comb razor=shave key=unlock book=read hammer=hit saw=saw drill=drill
. brush=paint eraser=erase calculator=calculate lamp=light heater=heat fridge=cool kettle=boil
. spoon=stir rope=tie glue=stick ladder=climb boat=sail airplane=fly car=drive bicycle=ride
. piano=play radio=listen television=watch microscope=magnify umbrella=protect cup=drink fork=eat
. ball=throw rifle=shoot iron=iron vacuum=clean torch=shine

whole
: a part of something; the name of a part
= the thing that the part belongs to | the whole of which it is a part | what the part is found on
= the larger thing with such a part
> name the thing that the part belongs to | say of what it is a part | tell what has such a part
. page=book chapter=book wheel=car engine=car petal=flower branch=tree leaf=tree root=tree
. trunk=tree finger=hand thumb=hand palm=hand toe=foot heel=foot roof=house chimney=house pupil=eye
. eyelid=eye nostril=nose tooth=mouth tongue=mouth feather=bird beak=bird wing=bird fin=fish
. scale=fish gill=fish mane=lion hump=camel antler=deer tusk=elephant pouch=kangaroo pedal=bicycle
. handlebar=bicycle saddle=bicycle mast=ship sail=ship anchor=ship deck=ship cockpit=airplane
. sleeve=shirt collar=shirt button=shirt sole=shoe lace=shoe brim=hat keyboard=computer
. screen=computer drawer=desk blade=knife minute=hour day=week month=year player=team soldier=army
. letter=word word=sentence seat=chair string=guitar yolk=egg peel=orange core=apple

origin
: a product; something one buys
= the animal or plant that the product comes from | where the product comes from, in nature
= the living thing it is made from | the natural source of the stuff
> name the animal or plant it is made from | say from which animal or plant the product comes
> tell which living thing gives it
. beef=cow milk=cow veal=calf pork=pig ham=pig bacon=pig mutton=sheep wool=sheep venison=deer
. honey=bee egg=hen silk=silkworm caviar=sturgeon pearl=oyster ivory=elephant cashmere=goat
. raisin=grape wine=grape cider=apple fries=potato ketchup=tomato flour=wheat bread=wheat
. popcorn=corn tofu=soybean chocolate=cocoa prune=plum oatmeal=oats tequila=agave sake=rice
. sauerkraut=cabbage pickle=cucumber guacamole=avocado marzipan=almond denim=cotton beer=barley
. rubber=rubber_tree linen=flax acorn=oak lard=pig butter=cow hummus=chickpea

worn-on
: something to wear; an article of clothing
= the part of the body that wears it | the body part it is made for | where on the body it goes
= the place on the body where one puts it
> name the part of the body on which it is worn | say where on the body one wears it
> tell which body part it covers or adorns
. hat=head cap=head helmet=head crown=head wig=head turban=head beret=head glove=hand mitten=hand
. sock=foot shoe=foot boot=foot sandal=foot slipper=foot sneaker=foot ring=finger bracelet=wrist
. watch=wrist handcuffs=wrist necklace=neck scarf=neck tie=neck collar=neck belt=waist glasses=eyes
. sunglasses=eyes goggles=eyes monocle=eye earring=ear headphones=ears earmuffs=ears bra=chest
. vest=chest lipstick=lips mascara=eyelashes anklet=ankle trousers=legs jeans=legs shorts=legs
. tights=legs stockings=legs kneepad=knee backpack=back mask=face veil=face

shop
: something to buy; a thing on a shopping list
= the shop where one buys it | the kind of store that sells it | the place to buy the thing
= the sort of shop that has it on its shelves
> name the shop that sells the thing | say in which store one buys it | tell where to get it
. bread=bakery cake=bakery bun=bakery croissant=bakery baguette=bakery medicine=pharmacy
. aspirin=pharmacy bandage=pharmacy pills=pharmacy vitamins=pharmacy rose=florist tulip=florist
. bouquet=florist lily=florist book=bookstore novel=bookstore dictionary=bookstore atlas=bookstore
. sausage=butcher steak=butcher ham=butcher beef=butcher pork=butcher ring=jeweller
. necklace=jeweller bracelet=jeweller earring=jeweller brooch=jeweller boots=shoe_store
. sandals=shoe_store sneakers=shoe_store slippers=shoe_store doll=toy_store teddy=toy_store
. puzzle=toy_store yoyo=toy_store stamp=post_office hammer=hardware_store nails=hardware_store
. screwdriver=hardware_store drill=hardware_store puppy=pet_store hamster=pet_store
. goldfish=pet_store

taste
: something to eat or drink; the name of a food
= the taste of it: sweet, sour, salty, bitter or hot | how it tastes | the flavour that it has
= its taste, in one of the words sweet, sour, salty, bitter and hot
> say how it tastes, such as sweet or sour | name the taste, such as salty | tell its main taste
. sugar=sweet honey=sweet candy=sweet cake=sweet syrup=sweet jam=sweet caramel=sweet cookie=sweet
. lollipop=sweet date=sweet banana=sweet marshmallow=sweet lemon=sour vinegar=sour lime=sour
. rhubarb=sour pickle=sour sauerkraut=sour yogurt=sour buttermilk=sour salt=salty chips=salty
. pretzel=salty anchovy=salty bacon=salty soy_sauce=salty seawater=salty olives=salty ham=salty
. coffee=bitter beer=bitter cocoa_powder=bitter tonic_water=bitter chicory=bitter grapefruit=bitter
. aspirin=bitter chili=hot pepper=hot curry=hot wasabi=hot mustard=hot jalapeno=hot tabasco=hot

instrument-kind
: a musical instrument; an instrument
= the section of the instrument: strings, wind, percussion or keys | its family of instruments
= strings, wind, percussion or keys, by the instrument | the group where a music shop would put it
> say if the instrument has strings, wind, percussion or keys | classify the instrument
> tell to which section of instruments it belongs, such as wind
. guitar=strings violin=strings cello=strings harp=strings banjo=strings ukulele=strings
. viola=strings mandolin=strings lute=strings sitar=strings flute=wind trumpet=wind clarinet=wind
. saxophone=wind trombone=wind tuba=wind oboe=wind bassoon=wind bagpipes=wind recorder=wind
. horn=wind drum=percussion xylophone=percussion tambourine=percussion cymbals=percussion
. triangle=percussion gong=percussion maracas=percussion bongo=percussion timpani=percussion
. castanets=percussion piano=keys organ=keys harpsichord=keys synthesizer=keys accordion=keys
. keyboard=keys

medium
: a vehicle; a means of transport
= where the vehicle moves: land, water or air | land, water or air, by the vehicle
= the element in which it travels | the medium of the vehicle, one of land, water and air
> say whether it travels by land, water or air
> tell if it drives, swims or flies, as land, water or air
> sort the vehicle by where it moves, such as water
. car=land bus=land train=land bicycle=land truck=land motorcycle=land tram=land van=land taxi=land
. scooter=land tractor=land ambulance=land jeep=land carriage=land sledge=land skateboard=land
. boat=water ship=water ferry=water submarine=water canoe=water yacht=water raft=water kayak=water
. gondola=water tanker=water sailboat=water rowboat=water airplane=air helicopter=air glider=air
. balloon=air jet=air rocket=air drone=air zeppelin=air biplane=air parachute=air

legs
: an animal; the name of an animal
= the number of the animal's legs, in digits | how many legs the animal has | its count of legs
= the number of legs on which it stands, 0 for none
> count the legs of the animal | say how many legs it has | tell the number of legs of the creature
. dog=4 cat=4 horse=4 cow=4 pig=4 sheep=4 goat=4 lion=4 tiger=4 elephant=4 wolf=4 mouse=4 zebra=4
. frog=4 lizard=4 turtle=4 crocodile=4 duck=2 hen=2 owl=2 eagle=2 parrot=2 penguin=2 swan=2
. sparrow=2 ostrich=2 pigeon=2 robin=2 stork=2 human=2 bee=6 ant=6 fly=6 wasp=6 beetle=6
. butterfly=6 moth=6 mosquito=6 ladybug=6 cricket=6 spider=8 scorpion=8 tick=8 tarantula=8 snake=0
. cobra=0 worm=0 salmon=0 trout=0 shark=0 eel=0 tuna=0 whale=0

covering
: an animal; the name of an animal
= the covering of the animal: fur, feathers, scales or a shell | what covers its body
= fur, feathers, scales or shell, by the animal | the stuff on the outside of its body
> say if it has fur, feathers, scales or a shell | name what covers the animal, such as fur
> tell what one would touch on it, such as feathers
. dog=fur cat=fur bear=fur wolf=fur fox=fur rabbit=fur mouse=fur tiger=fur lion=fur squirrel=fur
. otter=fur beaver=fur hamster=fur panda=fur eagle=feathers owl=feathers parrot=feathers
. duck=feathers swan=feathers hen=feathers sparrow=feathers penguin=feathers peacock=feathers
. ostrich=feathers pigeon=feathers crow=feathers salmon=scales trout=scales carp=scales
. snake=scales lizard=scales cobra=scales herring=scales goldfish=scales crocodile=scales
. tuna=scales snail=shell turtle=shell tortoise=shell clam=shell oyster=shell mussel=shell
. crab=shell lobster=shell

stronger
: an adjective; a mild adjective
= a much stronger word for the adjective | the extreme form of it, another word
= the word for very so
= a word that means the same to an extreme degree
> give a much stronger adjective | replace "very" and the adjective by one word
> say it with a word for the extreme
. big=huge small=tiny hot=boiling cold=freezing good=excellent bad=terrible tired=exhausted
. hungry=starving happy=delighted sad=miserable angry=furious scared=terrified funny=hilarious
. pretty=gorgeous ugly=hideous dirty=filthy clean=spotless wet=soaked dry=parched fat=obese
. old=ancient loud=deafening surprised=astonished interesting=fascinating important=crucial
. crowded=packed smart=brilliant stupid=idiotic thin=skinny rich=loaded poor=penniless
. tasty=delicious afraid=petrified fast=lightning-fast bright=dazzling difficult=impossible
. strong=mighty cruel=brutal necessary=essential

homophone
: an English word; a word
= a word that sounds the same but is spelled differently | the homophone | its twin in sound
= the word that one hears alike, though it is written otherwise
> give another word that is pronounced the same | name the homophone | write a word with equal sound
. sea=see two=too night=knight flour=flower son=sun hear=here right=write meet=meat week=weak
. pair=pear blue=blew red=read one=won four=for eight=ate no=know new=knew our=hour wood=would
. mail=male tail=tale sail=sale pale=pail plane=plain main=mane peace=piece bear=bare hair=hare
. stare=stair fair=fare dear=deer steel=steal heel=heal weather=whether which=witch wait=weight
. way=weigh road=rode role=roll sole=soul hole=whole rain=reign brake=break buy=by cell=sell
. cent=sent scene=seen sight=site some=sum toe=tow waist=waste wear=where pray=prey aloud=allowed
"""
