"""Word relations: antonyms, synonyms, people, things and spellings; "_" stands for a space."""

from __future__ import annotations

ANTONYMS = """
hot=cold big=small tall=short fast=slow happy=sad rich=poor strong=weak hard=soft light=dark
heavy=light old=new early=late high=low long=short wide=narrow deep=shallow thick=thin full=empty
open=closed clean=dirty wet=dry loud=quiet bright=dim sweet=sour rough=smooth sharp=blunt
cheap=expensive easy=difficult good=bad right=wrong true=false safe=dangerous brave=cowardly
polite=rude kind=cruel generous=stingy lazy=hardworking wise=foolish clever=stupid beautiful=ugly
alive=dead asleep=awake absent=present ancient=modern artificial=natural public=private
guilty=innocent maximum=minimum positive=negative major=minor inside=outside up=down left=right
above=below before=after always=never everything=nothing everybody=nobody yes=no on=off in=out
come=go give=take buy=sell push=pull win=lose love=hate laugh=cry begin=end start=finish
arrive=depart accept=refuse remember=forget increase=decrease succeed=fail attack=defend
build=destroy borrow=lend ask=answer live=die day=night summer=winter friend=enemy war=peace
heaven=hell north=south east=west top=bottom front=back success=failure victory=defeat entrance=exit
question=answer teacher=student parent=child male=female first=last near=far
"""

SYNONYMS = """
big=large small=little happy=glad sad=unhappy fast=quick smart=clever angry=mad scared=afraid
rich=wealthy ill=sick begin=start finish=complete shut=close buy=purchase help=assist
choose=select answer=reply ask=inquire speak=talk shout=yell jump=leap throw=toss hurry=rush
build=construct fix=repair need=require allow=permit keep=retain show=display hide=conceal
destroy=ruin gather=collect reply=respond hard=difficult easy=simple correct=right incorrect=wrong
strange=odd famous=well-known brave=courageous calm=peaceful quiet=silent empty=vacant
lucky=fortunate lazy=idle tired=weary wonderful=marvelous horrible=awful delicious=tasty
dangerous=risky enormous=huge tiny=minute beautiful=pretty ancient=old present=gift car=automobile
film=movie house=home error=mistake trip=journey job=occupation street=road child=kid forest=woods
rock=stone sofa=couch rug=carpet story=tale price=cost doctor=physician lawyer=attorney
ship=vessel foe=enemy pal=friend autumn=fall
"""

WORKPLACES = """
teacher=school doctor=hospital nurse=hospital judge=courtroom lawyer=courtroom chef=kitchen
cook=kitchen farmer=farm actor=theater waiter=restaurant librarian=library scientist=laboratory
chemist=laboratory pilot=airplane sailor=ship captain=ship priest=church monk=monastery nun=convent
baker=bakery butcher=butcher_shop miner=mine mechanic=garage barber=barbershop banker=bank
cashier=supermarket soldier=army_base astronaut=space_station professor=university
pharmacist=pharmacy firefighter=fire_station police_officer=police_station gardener=garden
secretary=office accountant=office florist=flower_shop brewer=brewery zookeeper=zoo curator=museum
lifeguard=swimming_pool clown=circus acrobat=circus bartender=bar king=palace lumberjack=forest
ranger=national_park blacksmith=forge dentist=dental_clinic vet=animal_clinic fisherman=sea
potter=pottery painter=studio photographer=studio jockey=racetrack prison_guard=prison
stewardess=airplane athlete=stadium bellhop=hotel ambassador=embassy politician=parliament
"""

TOOLS = """
teacher=chalk doctor=stethoscope nurse=syringe judge=gavel chef=knife cook=pan farmer=tractor
scientist=microscope sailor=compass miner=pickaxe mechanic=wrench barber=scissors soldier=rifle
firefighter=hose police_officer=handcuffs gardener=rake secretary=keyboard accountant=calculator
blacksmith=anvil dentist=drill fisherman=fishing_rod potter=wheel painter=brush photographer=camera
carpenter=hammer lumberjack=axe tailor=needle astronomer=telescope plumber=plunger
electrician=screwdriver sculptor=chisel archer=bow knight=sword drummer=drumsticks conductor=baton
referee=whistle surgeon=scalpel baker=rolling_pin butcher=cleaver waiter=tray writer=pen
singer=microphone violinist=violin pianist=piano janitor=mop mason=trowel cowboy=lasso
hairdresser=comb bartender=shaker golfer=club diver=snorkel mathematician=compasses
athlete=dumbbell wizard=wand witch=broom architect=ruler
"""

FEMALES = """
man=woman boy=girl king=queen prince=princess father=mother son=daughter brother=sister
uncle=aunt nephew=niece husband=wife grandfather=grandmother grandson=granddaughter
stepfather=stepmother stepson=stepdaughter stepbrother=stepsister bridegroom=bride actor=actress
waiter=waitress host=hostess hero=heroine heir=heiress god=goddess duke=duchess emperor=empress
count=countess baron=baroness lord=lady sir=madam gentleman=gentlewoman wizard=witch monk=nun
steward=stewardess landlord=landlady policeman=policewoman businessman=businesswoman
salesman=saleswoman postman=postwoman fireman=firewoman sportsman=sportswoman widower=widow
bull=cow rooster=hen stallion=mare ram=ewe boar=sow lion=lioness tiger=tigress drake=duck
gander=goose stag=doe he=she him=her his=hers himself=herself dad=mom papa=mama grandpa=grandma
masseur=masseuse sorcerer=sorceress priest=priestess
"""

COLOURS = """
tomato=red banana=yellow grass=green sky=blue snow=white coal=black carrot=orange plum=purple
chocolate=brown strawberry=red lemon=yellow spinach=green milk=white soot=black pumpkin=orange
eggplant=purple coffee=brown blood=red sunflower=yellow frog=green cloud=white raven=black
tangerine=orange lavender=purple bark=brown fire_truck=red cherry=red chick=yellow
lettuce=green salt=white tar=black flamingo=pink pig=pink elephant=gray mouse=gray dolphin=gray
ruby=red emerald=green sapphire=blue ocean=blue blueberry=blue corn=yellow canary=yellow
broccoli=green cucumber=green pea=green swan=white polar_bear=white bone=white crow=black
panther=black tire=black rat=gray cement=gray bear=brown soil=brown walnut=brown violet=purple
fox=orange raspberry=red rice=white avocado=green cactus=green ladybug=red goldfish=orange
flour=white sand=yellow
"""

MATERIALS = """
bottle=glass window=glass mirror=glass lightbulb=glass table=wood chair=wood pencil=wood
violin=wood door=wood fence=wood log=wood canoe=wood book=paper newspaper=paper envelope=paper
magazine=paper napkin=paper poster=paper nail=metal coin=metal key=metal sword=metal scissors=metal
anchor=metal bell=metal spoon=metal chain=metal screw=metal belt=leather saddle=leather
boot=leather wallet=leather shirt=cotton towel=cotton t-shirt=cotton bandage=cotton sweater=wool
scarf=wool mitten=wool blanket=wool mug=ceramic vase=ceramic plate=ceramic bathtub=ceramic
tire=rubber eraser=rubber balloon=rubber hose=rubber bucket=plastic toothbrush=plastic comb=plastic
straw=plastic statue=stone gravestone=stone pyramid=stone candle=wax crayon=wax
brick=clay flowerpot=clay necktie=silk
"""

ROOMS = """
oven=kitchen fridge=kitchen sink=kitchen toaster=kitchen kettle=kitchen dishwasher=kitchen
saucepan=kitchen spatula=kitchen bed=bedroom pillow=bedroom wardrobe=bedroom mattress=bedroom
blanket=bedroom nightstand=bedroom pajamas=bedroom dresser=bedroom bathtub=bathroom shower=bathroom
toilet=bathroom toothbrush=bathroom shampoo=bathroom towel=bathroom soap=bathroom razor=bathroom
sofa=living_room television=living_room fireplace=living_room armchair=living_room
coffee_table=living_room bookshelf=living_room car=garage toolbox=garage jack=garage tire=garage
bicycle=garage desk=office printer=office stapler=office computer=office fax=office lawn=garden
tree=garden flowerbed=garden swing=garden rake=garden hedge=garden wine=cellar furnace=cellar
boiler=cellar cobweb=attic rafter=attic heirloom=attic chalkboard=classroom globe=classroom
schoolbag=classroom
"""

AMERICAN = """
colour=color flavour=flavor honour=honor humour=humor labour=labor neighbour=neighbor
rumour=rumor harbour=harbor favour=favor favourite=favorite behaviour=behavior armour=armor
odour=odor parlour=parlor rigour=rigor saviour=savior splendour=splendor tumour=tumor
vapour=vapor vigour=vigor centre=center theatre=theater metre=meter litre=liter fibre=fiber
sabre=saber spectre=specter sombre=somber lustre=luster calibre=caliber organise=organize
realise=realize recognise=recognize apologise=apologize criticise=criticize analyse=analyze
paralyse=paralyze catalyse=catalyze defence=defense offence=offense licence=license
pretence=pretense catalogue=catalog dialogue=dialog analogue=analog travelled=traveled
travelling=traveling cancelled=canceled traveller=traveler jewellery=jewelry marvellous=marvelous
grey=gray tyre=tire kerb=curb plough=plow programme=program cheque=check aluminium=aluminum
mould=mold moustache=mustache pyjamas=pajamas sceptic=skeptic cosy=cozy draught=draft
skilful=skillful fulfil=fulfill enrol=enroll instalment=installment storey=story axe=ax
"""

CONTRACTIONS = """
do_not=don't does_not=doesn't did_not=didn't is_not=isn't are_not=aren't was_not=wasn't
were_not=weren't has_not=hasn't have_not=haven't had_not=hadn't can_not=can't could_not=couldn't
will_not=won't would_not=wouldn't should_not=shouldn't must_not=mustn't need_not=needn't
might_not=mightn't ought_not=oughtn't I_am=I'm you_are=you're we_are=we're they_are=they're
he_is=he's she_is=she's it_is=it's that_is=that's there_is=there's here_is=here's what_is=what's
who_is=who's where_is=where's how_is=how's when_is=when's why_is=why's I_have=I've you_have=you've
we_have=we've they_have=they've could_have=could've should_have=should've would_have=would've
might_have=might've I_will=I'll you_will=you'll he_will=he'll she_will=she'll it_will=it'll
we_will=we'll they_will=they'll I_would=I'd you_would=you'd he_would=he'd she_would=she'd
we_would=we'd they_would=they'd let_us=let's of_the_clock=o'clock madam=ma'am
"""

ELEMENTS = """
hydrogen=H helium=He lithium=Li beryllium=Be boron=B carbon=C nitrogen=N oxygen=O fluorine=F
neon=Ne sodium=Na magnesium=Mg aluminum=Al silicon=Si phosphorus=P sulfur=S chlorine=Cl argon=Ar
potassium=K calcium=Ca scandium=Sc titanium=Ti vanadium=V chromium=Cr manganese=Mn iron=Fe
cobalt=Co nickel=Ni copper=Cu zinc=Zn gallium=Ga germanium=Ge arsenic=As selenium=Se bromine=Br
krypton=Kr rubidium=Rb strontium=Sr yttrium=Y zirconium=Zr niobium=Nb molybdenum=Mo technetium=Tc
ruthenium=Ru rhodium=Rh palladium=Pd silver=Ag cadmium=Cd indium=In tin=Sn antimony=Sb
tellurium=Te iodine=I xenon=Xe cesium=Cs barium=Ba
"""


def table(text: str) -> dict[str, str]:
    """`{word: what it is related to}` of one of the tables."""
    rows = (row.replace("_", " ").split("=") for row in text.split())
    return {word: related for word, related in rows}
