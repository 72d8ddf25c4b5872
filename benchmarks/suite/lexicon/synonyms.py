"""Words and turns of phrase of descriptions that may stand for each other; a lone one stays.

Where "a" and "an" would differ, the article is part of the phrase.
"""

SYNONYMS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split(" | "))
    for line in """
write | print | type
write down
write it down
whatever I write
give me | hand me | bring me
return | give back | send back
reply with | respond with | come back with | answer with
the answer | the reply | the response
your answer | your reply | your response
the input | the given text | the text I send
you will be given | you will get | you will receive | you are going to see
I would like to have | I'd like
I want you to | I'd like you to | I am asking you to
your task is to | your job is to | you are asked to
can you | could you | will you
you must | you have to | you are to
nothing else | nothing more | nothing besides
without any explanation | with no explanation | without explaining it
otherwise | if not | in any other case
read the | look at the
read a | look at a
extract | pull out | take out
kind of | sort of | type of
in front of | ahead of
in front | at the beginning | up front
at the end | at the very end
surrounded by | framed by | flanked by
surround | frame | flank
followed by | and after that
separated by | set apart by | kept apart by
joined by | linked by | connected by
in upper case | in capital letters | in capitals | in block letters
in lower case | in small letters
in digits | in figures
spelled out | written out
a whole number | an integer
the last | the final
but the last
the second-to-last | the last but one | the next-to-last
a full stop | a period
vertical bar | pipe
hyphen | dash
parentheses | round brackets
curly brackets | curly braces
weekday | day of the week
colour | color
increased by | raised by
decreased by | lowered by | reduced by
a short sentence | a brief sentence | one short sentence
within | inside
backwards | from back to front
""".strip().splitlines()
)

OPENINGS = (
    "Instruction: ",
    "Here is your task. ",
    "Hello! ",
    "For each message I send: ",
    "From now on, for any input: ",
    "The rule is simple. ",
    "This is what I ask for. ",
)
CLOSINGS = (
    " Keep it brief.",
    " No further comment.",
    " That is all.",
    " Thanks!",
    " Only the result, please.",
    " Nothing beyond the result.",
    " There is nothing more to it.",
)
