"""Known relations asked for the other way round, in capital letters, or together with the word."""

from __future__ import annotations

from collections.abc import Mapping

Pairs = Mapping[str, str]

TURNED = """
male
: a word; a word for a female
= the male counterpart of the female word | the masculine form of the word | the word for a male one
= what a man or a male animal of the kind is called
> turn the female word into the male one | give the masculine counterpart of the word
> name the he that goes with the she

british-spelling
: a word; a word in American spelling
= the British spelling of the American word | the word as the British spell it
= the UK spelling of it
= the word as a newspaper in London prints it
> change the word from American to British spelling | spell the word as in the United Kingdom
> make the spelling British

expansion
: an expression; a contraction
= the full form of the contraction | the two words that were contracted | the expression in full
= the long form, without any apostrophe
> write the contraction out in full | undo the contraction
> expand what was shortened by an apostrophe

symbol-to-element
: a symbol; a chemical symbol
= the element with this chemical symbol | the name of the element, in words | what the symbol means
= the element that chemists abbreviate like this
> name the chemical element of the symbol | spell out the chemical symbol
> say for which element the letters stand

abbreviation-to-state
: two letters; a postal abbreviation
= the American state with this abbreviation | the US state that the two letters stand for
= the name of the state in full | the state to which mail with these letters goes
> name the American state of the postal code letters | spell out the state that is abbreviated
> say which of the United States is meant

tool-owner
: a tool; the name of a tool
= the profession that uses the tool | the person who works with the tool | whose tool it is
= the worker in whose hands one finds it
> name the occupation that goes with the tool | say who uses this thing at work
> tell which professional holds it

antonym-in-capitals
: a word; an English word
= the opposite of the word, in capital letters | the antonym of the word in upper case
= the contrary word, shouted in capitals | the reverse of the word, with big letters only
> write the opposite of the word in capital letters | shout the antonym of the word in upper case
> put the contrary of the word in big letters

young-in-capitals
: an animal; the name of an animal
= the name of the animal's young, in capital letters | the word for its baby in upper case
= the animal's offspring, shouted in capitals | the little one's name, with big letters only
> write what the animal's baby is called in capital letters | shout the young animal in upper case
> put the word for its baby in big letters

sound-in-capitals
: an animal; the name of an animal
= the sound that the animal makes, in capital letters | the animal's noise in upper case
= its cry, shouted in capitals | the noise one hears from it, with big letters only
> write the animal's sound in capital letters | shout the noise of the animal in upper case
> put the verb for its cry in big letters

colour-in-capitals
: a thing; the name of an object
= the typical colour of the thing, in capital letters | the thing's color in upper case
= its usual colour, shouted in capitals | the color one sees on it, with big letters only
> write the colour of the thing in capital letters | shout the color of it in upper case
> put the thing's colour in big letters

antonym-beside-it
: a word; an English word
= the word and its opposite, with "or" between | the word, the word "or", and its antonym
= a choice between the word and its contrary | the word, then "or", then the reverse of it
> write the word, "or", and its opposite | offer the word or its antonym as a choice
> add "or" and the contrary to the word

colour-beside-it
: a thing; the name of an object
= the typical colour of the thing and the thing itself | the thing with its colour in front
= the color as an adjective, then the object | the object, its color before it
> put the usual colour in front of the thing | write the color and then the thing
> describe the thing by an adjective of colour

sound-beside-it
: an animal; the name of an animal
= the animal and its sound, joined by a colon | the animal, a colon, and the noise it makes
= the animal with its cry after a colon | who cries, then a colon, then the cry
> write the animal, a colon, and its sound | add a colon and the noise of the animal
> let the cry follow the animal, after a colon

element-beside-it
: an element; a chemical element
= the element with its symbol in parentheses
= the element, followed by its chemical symbol in brackets
= the element's name and, bracketed, its abbreviation | the element, its symbol in round brackets
> write the element and its symbol in parentheses | add the chemical symbol in brackets
> let the abbreviation follow the element, bracketed
"""


def turned(known: Mapping[str, Pairs]) -> dict[str, dict[str, str]]:
    """The pairs of each, from those of the relations it turns, by their tasks' names."""
    backward = {
        "male": "female",
        "british-spelling": "american-spelling",
        "expansion": "contraction",
        "symbol-to-element": "element-symbol",
        "abbreviation-to-state": "state-abbreviation",
        "tool-owner": "tool",
    }
    loud = {
        "antonym-in-capitals": "antonym",
        "young-in-capitals": "animal-young",
        "sound-in-capitals": "animal-sound",
        "colour-in-capitals": "colour",
    }
    beside = {
        "antonym-beside-it": ("antonym", "{0} or {1}"),
        "colour-beside-it": ("colour", "{1} {0}"),
        "sound-beside-it": ("animal-sound", "{0}: {1}"),
        "element-beside-it": ("element-symbol", "{0} ({1})"),
    }
    return (
        {name: _inverted(known[source]) for name, source in backward.items()}
        | {name: {a: b.upper() for a, b in known[source].items()} for name, source in loud.items()}
        | {
            name: {a: pattern.format(a, b) for a, b in known[source].items()}
            for name, (source, pattern) in beside.items()
        }
    )


def _inverted(pairs: Pairs) -> dict[str, str]:
    """Backwards, without what several words lead to."""
    targets = list(pairs.values())
    return {b: a for a, b in pairs.items() if targets.count(b) == 1}
