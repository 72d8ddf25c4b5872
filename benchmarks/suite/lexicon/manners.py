"""Ways to write an answer ("^": in capitals, "_": in small letters), alone or beside the input."""

from __future__ import annotations

from benchmarks.suite.lexicon.fields import Way, ways

_ALONE = """
capitals = ^{0} | in capital letters | in upper case | with all letters as capitals
= with big letters only
small = _{0} | in small letters | in lower case | without any capital letter
= with little letters only
quotes = "{0}" | in double quotes | inside quotation marks | between two double quotes
= with a quotation mark on either side
single-quotes = '{0}' | in single quotes | inside two single quotes | between two apostrophes
= with a lone apostrophe on either side
parentheses = ({0}) | in parentheses | inside round brackets | between ( and )
= with a round bracket on either side
square-brackets = [{0}] | in square brackets | inside the brackets [ and ] | between [ and ]
= with a square bracket on either side
angle-brackets = <{0}> | in angle brackets | inside the signs < and > | between < and >
= with an angle bracket on either side
stars = *{0}* | between two asterisks | with a star before and after it | inside a pair of * signs
= with an asterisk on either side
bold = **{0}** | between double asterisks | in bold Markdown | inside ** and **
= with two stars on either side
html = <b>{0}</b> | in bold HTML tags | between <b> and </b> | inside an HTML element b
= with tags of HTML that make it bold
full-stop = {0}. | with a full stop after it | followed by a full stop | ending in a period
= closed by a dot
exclamation = {0}! | with an exclamation mark after it | followed by an exclamation mark
= with the sign ! behind it | closed by an exclamation point
question = {0}? | with a question mark after it | followed by a question mark
= with the sign ? behind it | closed by a query mark
bullet = - {0} | after a dash and a space | as a list item with a dash | with "- " in front
= led by a dash and a blank, like a bullet point
hashtag = #{0} | after a hash sign | with the sign # in front | as a hashtag
= led by a number sign (#)
arrow = -> {0} | after an arrow of two signs (->) | with an arrow -> in front | behind ->
= led by an arrow (->)
answer-label = answer: {0} | after the label "answer:" | behind the word answer and a colon
= with "answer:" in front | led by "answer:"
answer-is = The answer is {0}. | in a sentence that begins with "The answer is"
= behind the words "The answer is" and with a full stop | led by the words "The answer is"
= as a sentence, "The answer is" being its opening
twice = {0} {0} | twice in a row | two times, with a space between | and then the same once more
= doubled, side by side
twice-comma = {0}, {0} | twice, with a comma between | two times, separated by a comma
= and, after a comma, the same once more | doubled, the copies parted by a comma
thrice = {0} {0} {0} | three times in a row | three times, with spaces between
= and then the same two more times | tripled, side by side
sir = {0}, sir | with a comma and the word sir after it | followed by ", sir"
= and then a comma and sir | closed by ", sir"
capitals-quotes = ^"{0}" | in capital letters and double quotes
= in upper case inside quotation marks | as capitals between two double quotes
= with big letters and a quotation mark on either side
capitals-exclamation = ^{0}! | in capital letters and with an exclamation mark
= in upper case, followed by an exclamation mark | as capitals with the sign ! behind them
= with big letters, closed by an exclamation point
"""
_BESIDE = """
after-colon = {1}: {0} | after the input and a colon | with the input and a colon in front
= behind the input itself and a colon | led by a copy of the input, ":" and a blank
after-equals = {1} = {0} | after the input and an equals sign
= with the input and an equals sign in front | behind the input itself and the sign =
= led by a copy of the input and a spaced "="
after-arrow = {1} -> {0} | after the input and an arrow (->) | with the input and -> in front
= behind the input itself and an arrow -> | led by a copy of the input and a spaced "->"
after-hyphen = {1} - {0} | after the input and a spaced dash | with the input and " - " in front
= behind the input itself and a dash | led by a copy of the input and " - "
after-slash = {1}/{0} | after the input and a slash | with the input and a slash in front
= behind the input itself and the sign / | led by a copy of the input and "/"
after-semicolon = {1}; {0} | after the input and a semicolon
= with the input and a semicolon in front | behind the input itself and the sign ;
= led by a copy of the input, ";" and a blank
before-brackets = {0} ({1}) | with the input in parentheses after it
= followed by the input in round brackets | and then the input between ( and )
= ahead of a bracketed copy of the input
before-comma = {0}, {1} | with a comma and the input after it | followed by a comma and the input
= and then a comma and the input itself | ahead of "," and a copy of the input
before-equals = {0} = {1} | with an equals sign and the input after it
= followed by an equals sign and the input | and then the sign = and the input itself
= ahead of a spaced "=" and a copy of the input
"""

ALONE: dict[str, Way] = ways(_ALONE.replace("\n= ", " | "))
BESIDE: dict[str, Way] = ways(_BESIDE.replace("\n= ", " | "))
"""Patterns of the answer {0} and the input {1}; phrases to train with, the last to evaluate."""
