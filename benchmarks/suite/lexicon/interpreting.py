"""More ways between languages: what to translate, from which into which, and how to write it."""

from __future__ import annotations

NUMBERS = {
    "Danish": "da",
    "Norwegian": "no",
    "Romanian": "ro",
    "Turkish": "tr",
    "Finnish": "fi",
    "Czech": "cs",
    "Lithuanian": "lt",
    "Latvian": "lv",
    "Slovenian": "sl",
    "Icelandic": "is",
    "Catalan": "ca",
    "Vietnamese": "vi",
    "Esperanto": "eo",
}
"""Languages whose number words are asked for besides."""
COUNTRIES = {
    "Latvian": "lv",
    "Estonian": "et",
    "Icelandic": "is",
    "Catalan": "ca",
    "Albanian": "sq",
    "Esperanto": "eo",
    "Swahili": "sw",
    "Welsh": "cy",
}
"""Languages whose names of countries are asked for besides."""
DIGITS = ("French", "Spanish", "German", "Italian", "Portuguese", "Dutch", "Swedish")
"""Languages whose number words are read."""
TONGUES = {
    "French": "fr",
    "Spanish": "es",
    "German": "de",
    "Dutch": "nl",
    "Italian": "it",
    "Swedish": "sv",
    "Polish": "pl",
    "Finnish": "fi",
    "Hungarian": "hu",
    "Turkish": "tr",
}
"""Languages in which languages are named."""
HOME = ("French", "Spanish", "German")
FURTHER_HOME = ("Dutch", "Polish", "Czech", "Lithuanian", "Turkish", "Hungarian", "Latvian")
"""Languages whose names of countries are read; a name of the second row means one of them only."""
ACROSS = (
    "French Spanish; Spanish French; Spanish Italian; Italian Spanish; French German; "
    "German French; Dutch German; Spanish Portuguese; Portuguese Spanish; French Italian; "
    "Italian French; German Dutch; Swedish German; German Swedish; Dutch Swedish; Polish German; "
    "German Polish; French Portuguese; Polish French"
)
"""From a foreign language into another."""
FORMED = (
    "Capitals French; Capitals Spanish; Equation German; Equation Italian; Brackets French; "
    "Brackets Portuguese"
)
"""Words that are translated and written in a certain form."""
PATTERNS = {"Capitals": "^{1}", "Equation": "{0} = {1}", "Brackets": "{0} ({1})"}

TONGUE_CODES = (
    "en fr de es it pt nl sv da nb fi is ru pl cs sk uk bg hr sr hu ro el tr ar he fa hi bn ur ta "
    "te th vi id ms ja ko zh mn ka hy az kk uz lt lv et sl sq mk eu ca ga cy la sw af am so"
)
"""Languages that are named."""

DIGITS_SHEET = """
number-from-{low}
: a number word; a number in words
= the number in digits, which is spelled out in {L}
= the value of the {L} number word | the {L} number word turned into digits
= the digits behind the number word, which is {L}
> write the {L} number word in digits | turn the {L} number into figures
> read the number as speakers of {L} do and put it in figures
"""
TONGUE_SHEET = """
language-in-{low}
: a language; the English name of a language
= the {L} name of the language | the language's name in {L} | what {L} speakers call the language
= the word for that language as found in a {L} dictionary
> translate the name of the language into {L} | name the language in {L}
> say what it is called in {L}
"""
HOME_SHEET = """
country-from-{low}
: a country; a country's name in another language
= the English name of the country with the {L} name | the country in English, its name being {L}
= the English word for a country that is written in {L}
> translate the country's {L} name into English | say in English which country the {L} name means
> tell an Englishman which country that is, the word being {L}
"""
VERB_SHEET = """
verb-in-{low}
: a verb; an English verb
= the {L} infinitive of the English verb | the {L} verb with the same meaning | the verb in {L}
= the verb that speakers of {L} use for it
> translate the English verb into {L} | give the {L} infinitive | say in {L} what one does
"""
ACROSS_SHEET = """
{low}-to-{into}
: a word; a foreign word
= the {M} translation of the {L} word | the {M} word that means the same as the {L} one
= what the {L} word is in {M}, not in English
> translate the word from {L} into {M} | say in {M} what the {L} word means
> interpret from {L} to {M}
"""
FORM_SHEETS = {
    "Capitals": """
{low}-in-capitals
: a word; an English word
= the {L} translation in capital letters | the {L} word with the same meaning, in upper case
= the {L} equivalent, shouted in capitals
> translate the word into {L} and write it in capital letters | put the {L} word in upper case
> shout the word in {L}
""",
    "Equation": """
{low}-equation
: a word; an English word
= the word, an equals sign and its {L} translation | the English word, "=", the {L} one
= an equation of the word and its {L} counterpart
> write the word, an equals sign and its {L} translation | set the {L} word equal to the English one
> note the word as in a vocabulary book, with "=" and its {L} translation
""",
    "Brackets": """
{low}-in-brackets
: a word; an English word
= the word with its {L} translation in parentheses | the English word and, in brackets, the {L} one
= the word followed by its bracketed {L} counterpart
> add the {L} translation in parentheses | put the {L} word in brackets behind the English one
> let the bracketed {L} equivalent follow the word
""",
}
