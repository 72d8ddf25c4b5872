"""Facts about a country in other forms: sheets with patterns ("^" capitals, "_" small letters)."""

from __future__ import annotations

COMPOSED = """
capital-in-capitals
: a country; the name of a country
= the capital city of the country in upper case | the country's capital, with all letters big
= the city that governs the country, shouted in capitals
> name the capital of the country in upper case | shout the name of the country's capital city
. ^{capital}

demonym-in-capitals
: a country; the name of a country
= the nationality of the country's people in upper case | the country's adjective, in big letters
= the word for people from there, shouted in capitals
> write the nationality in upper case | shout the adjective that goes with the country
. ^{demonym}

language-in-capitals
: a country; the name of a country
= the main language of the country in upper case | the country's language, with all letters big
= the tongue most people speak there, shouted in capitals
> name the language of the country in upper case | shout the language that people speak there
. ^{language}

continent-in-capitals
: a country; the name of a country
= the continent of the country in upper case | the country's continent, with all letters big
= the part of the world it lies in, shouted in capitals
> name the continent of the country in upper case | shout the continent that the country is on
. ^{continent}

capital-and-country
: a country; the name of a country
= the capital and then the country, separated by a comma
= the country's capital, a comma, the country
= city and country as on an envelope, the capital being the city
> write the capital, a comma and the country | put the capital and a comma in front of the country
. {capital}, {country}

capital-in-brackets
: a country; the name of a country
= the country with its capital in parentheses | the country, followed by the capital in brackets
= the country's name and, bracketed, the city that governs it
> add the capital in parentheses to the country | let the bracketed capital follow the country
. {country} ({capital})

code-in-brackets
: a country; the name of a country
= the country with its two-letter code in parentheses | the country, then its ISO code in brackets
= the country's name and, bracketed, its abbreviation
> add the two-letter code in parentheses | let the bracketed ISO code follow the country
. {country} ({two-letter-code})

continent-in-brackets
: a country; the name of a country
= the country with its continent in parentheses | the country, followed by the continent in brackets
= the country's name and, bracketed, the part of the world it lies in
> add the continent in parentheses to the country | let the bracketed continent follow the country
. {country} ({continent})

code-equals-country
: a country; the name of a country
= the two-letter code, an equals sign and the country | the country's ISO code, "=" and its name
= an equation of abbreviation and country
> write the two-letter code, an equals sign and the country | set the ISO code equal to the country
. {two-letter-code} = {country}

code-and-continent
: a country; the name of a country
= the country's two-letter code and its continent, with a comma
= the ISO code, a comma, the continent
= the abbreviation and the part of the world, as a short list
> write the two-letter code and the continent | list the country's ISO code and its continent
. {two-letter-code}, {continent}

capital-and-continent
: a country; the name of a country
= the country's capital and its continent, with a comma | the capital, a comma, the continent
= the governing city and the part of the world, as a short list
> write the capital and the continent | list the country's capital and its continent
. {capital}, {continent}

country-and-language
: a country; the name of a country
= the country, a colon and its main language | the country's name and, after a colon, its language
= the country with the tongue of its people behind a colon
> write the country, a colon and its language | add a colon and the main language to the country
. {country}: {language}

small-code
: a country; the name of a country
= the two-letter code of the country in small letters | the ISO code in lower case, without a dot
= the country's abbreviation without capitals
> abbreviate the country to two small letters | write the ISO code in lower case
. _{two-letter-code}

web-address
: a country; the name of a country
= the web address "example" with the country's domain
= example, followed by the country's web ending
= an address named example under the top-level domain of the country
> write example with the internet ending of the country
> register example under the country's domain
. example{domain}

people
: a country; the name of a country
= the expression for its people: "the", the adjective, "people"
= the people named by their nationality
= the phrase of three words that names its people, with "the" in front
> name the people of the country by its adjective, after "the"
> put the country's adjective between "the" and "people"
. the {demonym} people
"""

INSIDE = """
{low}-or-not
: a country; the name of a country
= {L} if the country lies in {C}, non-{L} if not | {L} or non-{L}, by the continent
= the adjective {L} for countries of {C}, with non- before it for others
> say whether the country is {L} or non-{L} | tell countries of {C} from others, as {L} or non-{L}
"""
SPOKEN = """
{low}-spoken
: a country; the name of a country
= "{L}: yes" if the main language is {L}, "{L}: no" if not
= {L}, a colon, and yes or no, by its language
= the entry {L} with a yes where most people speak {L} and a no elsewhere
> say "{L}: yes" or "{L}: no": is {L} the main language | tick {L}: yes where {L} is spoken, else no
"""
CONTINENTAL = {"Africa": "African", "Asia": "Asian", "Europe": "European"}
UNDECIDED = frozenset(
    "Belgium Burundi Cameroon Canada Chad Fiji India Kenya Madagascar Malawi Malta "
    "Mauritania Morocco Pakistan Philippines Rwanda Singapore Somalia Sudan Switzerland Tanzania "
    "Uganda".split()
)
"""Countries of two languages that are both asked about, or where the main one is arguable."""
TONGUES = ("Arabic", "English", "French", "Spanish")
