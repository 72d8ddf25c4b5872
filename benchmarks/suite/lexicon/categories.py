"""Categories of common words; no word stands in two of them."""

from __future__ import annotations

from itertools import chain, zip_longest

_WORDS = {
    "animal": "dog cat horse cow pig sheep goat lion tiger elephant bear wolf fox rabbit mouse "
    "monkey giraffe zebra camel deer kangaroo squirrel",
    "bird": "eagle sparrow owl parrot penguin pigeon crow swan duck goose robin falcon seagull "
    "hawk raven stork pelican flamingo woodpecker hen",
    "fish": "salmon tuna trout cod herring carp shark sardine haddock mackerel anchovy halibut "
    "catfish eel pike perch piranha swordfish",
    "insect": "ant bee wasp fly mosquito butterfly moth beetle ladybug grasshopper cricket termite "
    "dragonfly flea cockroach hornet locust bumblebee",
    "fruit": "apple banana pear grape cherry mango lemon peach plum kiwi melon strawberry "
    "pineapple raspberry blueberry apricot fig papaya coconut watermelon",
    "vegetable": "carrot potato onion cabbage spinach broccoli lettuce cucumber celery radish "
    "cauliflower leek pumpkin zucchini asparagus turnip pea kale",
    "colour": "red blue green yellow purple pink brown black white grey orange turquoise crimson "
    "beige scarlet maroon navy indigo",
    "country": "France Germany Spain Italy Japan China Brazil Canada Mexico Egypt India Kenya "
    "Norway Sweden Greece Poland Peru Portugal Chile Vietnam Ireland Australia",
    "city": "Paris London Berlin Madrid Rome Tokyo Moscow Vienna Dublin Athens Chicago Boston "
    "Lisbon Prague Oslo Cairo Delhi Toronto Sydney Seattle Warsaw Milan",
    "body part": "arm leg hand foot head nose ear eye mouth knee elbow shoulder finger toe neck "
    "chest wrist ankle thumb chin stomach",
    "clothing": "shirt trousers jacket coat hat sock shoe glove scarf dress skirt sweater jeans "
    "boot belt pyjamas vest blouse hoodie",
    "furniture": "chair table sofa bed desk shelf cupboard wardrobe stool bench couch armchair "
    "bookcase dresser cabinet mattress cradle sideboard",
    "vehicle": "car bus train bicycle truck motorcycle boat ship airplane helicopter tram van taxi "
    "scooter tractor ferry submarine ambulance",
    "profession": "doctor teacher nurse lawyer baker farmer engineer pilot plumber carpenter "
    "electrician butcher dentist journalist firefighter soldier waiter barber chemist",
    "musical instrument": "guitar piano violin drum flute trumpet cello harp clarinet saxophone "
    "trombone banjo accordion tuba harmonica oboe ukulele xylophone",
    "tool": "hammer screwdriver saw wrench drill pliers axe shovel rake chisel ladder spade "
    "crowbar hoe sandpaper wheelbarrow pickaxe mallet",
    "drink": "water milk juice coffee tea beer wine lemonade cocoa soda whiskey vodka cider "
    "champagne smoothie rum brandy milkshake",
    "sport": "football tennis basketball golf hockey baseball rugby swimming boxing volleyball "
    "skiing cycling rowing wrestling badminton judo gymnastics surfing",
    "weather": "rain snow wind fog storm thunder lightning hail sunshine cloud frost drizzle "
    "tornado hurricane blizzard mist breeze rainbow",
    "metal": "iron gold silver copper steel tin lead zinc aluminium nickel bronze brass titanium "
    "platinum uranium chrome cobalt tungsten",
    "tree": "oak pine maple birch willow cedar elm fir beech spruce ash poplar cypress redwood "
    "sequoia eucalyptus sycamore larch",
    "flower": "rose tulip daisy lily orchid sunflower violet daffodil carnation iris poppy "
    "marigold lavender lilac geranium peony dandelion jasmine",
    "kitchen item": "fork spoon knife plate bowl cup pan pot oven fridge kettle toaster mug stove "
    "ladle blender whisk teapot",
    "building": "house church school hospital castle hotel museum library factory palace barn "
    "cottage temple tower skyscraper prison warehouse cathedral",
    "emotion": "anger joy fear sadness happiness love hate envy pride shame surprise disgust grief "
    "jealousy guilt loneliness excitement gratitude",
    "family member": "mother father sister brother aunt uncle cousin grandmother grandfather son "
    "daughter nephew niece wife husband grandson granddaughter stepfather",
    "shape": "circle square triangle rectangle oval cube sphere cone cylinder pyramid hexagon "
    "pentagon octagon trapezoid rhombus ellipse prism spiral",
    "time word": "second minute hour day week month year decade century morning noon afternoon "
    "evening midnight spring summer autumn winter",
    "calendar name": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February "
    "March April May June July August September October November December",
    "food": "bread cheese rice pasta soup pizza sandwich cake butter egg sausage bacon honey "
    "chocolate salad pancake burger yogurt biscuit noodle",
    "language": "English French German Spanish Italian Japanese Chinese Russian Arabic Portuguese "
    "Hindi Greek Latin Turkish Dutch Polish Swedish Korean Finnish",
    "first name": "Anna Peter Maria John Lucy David Emma Robert Sarah Thomas Julia Michael Laura "
    "Daniel Alice Martin Helen James Nina Oliver",
    "school subject": "math physics chemistry biology history geography art music economics "
    "algebra geometry literature grammar philosophy psychology astronomy drama science",
    "space thing": "moon sun star planet comet asteroid galaxy meteor satellite rocket Mars Venus "
    "Jupiter Saturn Neptune Uranus spaceship universe",
    "gemstone": "diamond ruby emerald sapphire pearl opal topaz amethyst jade garnet amber "
    "aquamarine quartz onyx moonstone peridot zircon lapis",
    "toy": "doll puzzle kite balloon marble teddy robot yoyo slingshot trampoline seesaw swing "
    "puppet lego slide sandbox frisbee rattle",
    "material": "wood glass plastic cotton wool leather silk paper stone rubber concrete brick "
    "clay velvet linen nylon cardboard ceramic",
}

CATEGORIES: dict[str, tuple[str, ...]] = {
    name: tuple(words.split()) for name, words in _WORDS.items()
}
"""Category to its 18 to 22 words."""


def common_words() -> tuple[str, ...]:
    """All lower-case category words, one of each category in turn."""
    rounds = chain.from_iterable(zip_longest(*CATEGORIES.values(), fillvalue=""))
    return tuple(word for word in rounds if word and word.islower())
