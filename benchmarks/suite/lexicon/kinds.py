"""More categories, each with its label, three noun phrases for a member, and its members."""

from __future__ import annotations

from dataclasses import dataclass

_TEXT = """
reptile: a reptile; a kind of reptile; a cold-blooded animal with scales such as a lizard
= snake lizard turtle tortoise crocodile alligator iguana gecko chameleon python cobra viper
= rattlesnake anaconda boa caiman mamba terrapin
sea creature: a sea creature; an animal of the sea; a shellfish or other animal of the ocean
= crab lobster shrimp oyster squid octopus jellyfish starfish clam mussel whale dolphin walrus
= porpoise prawn scallop urchin orca
dog breed: a dog breed; a breed of dogs; a kind of dog such as a poodle
= poodle beagle bulldog collie terrier dachshund labrador rottweiler dalmatian greyhound spaniel
= husky chihuahua pug mastiff corgi whippet doberman
herb: a herb; a kitchen herb; green leaves that season food, such as basil
= basil parsley thyme oregano rosemary sage mint dill chives cilantro tarragon marjoram chervil
= coriander lovage peppermint
spice: a spice; a kind of spice; a dried seasoning such as cinnamon
= cinnamon pepper nutmeg ginger paprika cumin saffron turmeric cardamom vanilla clove curry cayenne
= allspice anise chili
dessert: a dessert; a sweet dish; something sweet after a meal, such as a pudding
= pudding brownie tiramisu sorbet cupcake cheesecake pie tart custard gelato muffin cookie trifle
= eclair meringue donut sundae strudel
bread: a kind of bread; a bread; something from the bakery such as a bagel
= bagel baguette croissant toast bun pretzel ciabatta focaccia brioche pita tortilla loaf sourdough
= naan crumpet flatbread
cheese: a cheese; a kind of cheese; a dairy product such as cheddar
= cheddar mozzarella parmesan gouda brie camembert feta ricotta gorgonzola emmental gruyere halloumi
= stilton roquefort edam mascarpone
fabric: a fabric; a kind of cloth; a textile such as denim
= denim satin flannel tweed lace corduroy muslin chiffon polyester cashmere taffeta canvas gauze
= fleece spandex gingham burlap tulle
headwear: a hat; a kind of headwear; something to put on the head
= cap beret bonnet helmet turban sombrero beanie fedora fez crown veil headscarf bandana visor
= bowler hairnet
jewellery: a piece of jewellery; an item of jewelry; an ornament such as a necklace
= ring necklace bracelet earring brooch pendant locket anklet bangle cufflink choker amulet
= medallion cameo signet charm
weapon: a weapon; a kind of weapon; an arm for fighting such as a sword
= sword dagger pistol rifle cannon spear arrow grenade bomb revolver machete shotgun missile
= crossbow musket bayonet harpoon torpedo
boat: a boat; a kind of boat or ship; a vessel that floats on water
= canoe kayak yacht raft sailboat dinghy gondola barge tugboat frigate galleon trawler catamaran
= steamship lifeboat rowboat motorboat schooner
car part: a part of a car; a car part; a component of an automobile
= engine brake clutch bumper tire windshield headlight gearbox exhaust radiator dashboard axle
= piston carburetor muffler seatbelt odometer hubcap
room: a room; a kind of room; a room in a house or building
= kitchen bathroom bedroom cellar attic hallway pantry nursery lounge basement corridor ballroom
= foyer parlour office classroom cloakroom lobby
house part: a part of a house; a piece of a building; a structural part of a home such as the roof
= door window roof wall floor ceiling chimney staircase balcony porch gutter doorbell windowsill
= banister rafter veranda
stationery: a piece of stationery; an office supply; something for writing or for a desk
= pen pencil eraser stapler ruler notebook envelope crayon paperclip highlighter glue marker ink
= binder notepad chalk
container: a container; something to put things in; a thing that holds other things, such as a box
= box bag bottle jar basket barrel bucket crate suitcase jug carton sack vase tub backpack pouch
number word: a number; a number word; a written-out numeral
= two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
= seventeen eighteen twenty
pronoun: a pronoun; a word that stands for a noun; a pronoun such as she
= she him they us myself yourself themselves mine yours hers ours theirs somebody everyone nobody
= anybody himself herself
preposition: a preposition; a word for a position or a relation; a preposition such as under
= under over between behind beside through across against during without within upon beneath among
= toward into from beyond
frequency word: an adverb of frequency; a word for how often; a word such as often
= always never often sometimes seldom rarely usually daily weekly monthly hourly yearly occasionally
= frequently constantly annually
motion verb: a verb of motion; a way of moving; an action of going somewhere
= walk run jump crawl climb gallop march leap sprint jog stroll wander stagger tiptoe limp creep
speech verb: a verb of speaking; a way of saying something; an action done with the voice
= say tell shout whisper scream mumble murmur yell ask reply announce mutter declare explain argue
= exclaim
sound: a sound; a noise; something to hear, such as a bang
= bang crash buzz hum click thud clang hiss rustle crackle chime creak boom whirr sizzle squeak
character trait: a character trait; an adjective for somebody's character; a trait such as honest
= brave honest shy generous kind lazy greedy polite selfish loyal stubborn curious humble patient
= arrogant cheerful friendly timid
dance: a dance; a kind of dance; a style of dancing such as the waltz
= waltz tango salsa ballet polka rumba foxtrot flamenco samba mambo quickstep jive bolero breakdance
= minuet hula
game: a game; a game to play at a table; a board, card or party game
= chess checkers poker blackjack bingo solitaire rummy dominoes backgammon scrabble monopoly
= charades hangman mahjong roulette ludo
hobby: a hobby; a pastime; an activity for leisure time
= knitting sewing gardening fishing painting photography cooking baking reading hiking camping
= singing pottery embroidery crochet birdwatching
science: a science; a branch of science; a field of research such as botany
= botany zoology genetics ecology geology meteorology anthropology archaeology linguistics sociology
= neuroscience toxicology oceanography paleontology anatomy physiology
disease: a disease; an illness; a medical condition such as the flu
= flu measles malaria cancer diabetes asthma cholera tuberculosis pneumonia bronchitis arthritis
= mumps smallpox chickenpox leukemia hepatitis typhoid rabies
currency: a currency; a unit of money; the money of some country
= dollar euro pound yen peso rupee franc krona ruble yuan rand lira dinar zloty shekel baht
mythical creature: a mythical creature; an imaginary being; a creature of legends and fairy tales
= dragon unicorn vampire werewolf mermaid fairy elf troll goblin witch ghost zombie centaur phoenix
= griffin minotaur ogre gnome
royal title: a royal title; a noble rank; a member of the nobility
= king queen prince princess duke duchess emperor baron earl knight lord sultan tsar pharaoh monarch
= countess viscount empress
crime: a crime; an illegal act; an offence against the law
= theft murder robbery fraud arson burglary kidnapping smuggling bribery forgery blackmail vandalism
= shoplifting hijacking treason perjury
river: a river; the name of a river; a river of the world such as the Nile
= Nile Amazon Danube Rhine Thames Seine Volga Mississippi Ganges Congo Yangtze Mekong Tigris
= Euphrates Zambezi Elbe
landform: a landform; a feature of the landscape; a natural place such as a valley
= mountain hill valley lake island desert canyon cliff beach peninsula volcano plateau glacier cave
= waterfall swamp
US state: an American state; one of the United States; the name of a US state
= Texas California Florida Ohio Nevada Utah Alaska Hawaii Oregon Kansas Iowa Idaho Montana Arizona
= Vermont Alabama Kentucky Louisiana
composer: a composer; the surname of a composer; a man who wrote classical music
= Mozart Beethoven Bach Chopin Vivaldi Handel Haydn Brahms Schubert Verdi Wagner Tchaikovsky Debussy
= Liszt Mahler Stravinsky
organ: an organ or bone; something inside the body; an inner part of the body
= heart liver lung kidney brain pancreas spleen bladder artery vein intestine skull spine rib muscle
= tendon
"""

CLASHES = (
    {"reptile", "sea creature", "mythical creature"},
    {"herb", "spice"},
    {"dessert", "bread", "cheese", "spice"},
    {"headwear", "jewellery", "royal title", "fabric"},
    {"room", "house part", "container"},
    {"house part", "car part"},
    {"stationery", "container"},
    {"number word", "pronoun"},
    {"motion verb", "dance", "hobby", "game", "sound"},
    {"speech verb", "sound", "hobby"},
    {"river", "US state", "landform"},
    {"weapon", "boat"},
    {"sound", "jewellery"},
    {"currency", "headwear"},
)
"""Of these categories no two are asked about together: a word of one might pass for the other's."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A category: how one of its words may be called, and its words."""

    phrases: tuple[str, ...]
    words: tuple[str, ...]


def _parsed() -> dict[str, Kind]:
    made: dict[str, Kind] = {}
    for block in _TEXT.strip().replace("\n= ", " = ").splitlines():
        heading, *words = block.split(" = ")
        name, phrases = heading.split(": ")
        made[name] = Kind(tuple(phrases.split("; ")), tuple(" ".join(words).split()))
    return made


KINDS: dict[str, Kind] = _parsed()
"""40 categories beside those of `CATEGORIES`."""
