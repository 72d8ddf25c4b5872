"""Sentences of two sorts, how to call the sorts, and labels for them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

_TEXT = """
opinion
labels: like/dislike recommended/rejected
yes: a happy customer; a good review; praise for a product; approval
no: an unhappy customer; a bad review; blame for a product; disapproval
+ I love this {x}. | What a great {x}! | I would buy this {x} again. | This {x} is a real joy.
- I hate this {x}. | What a poor {x}! | I want my money back for this {x}. | This {x} is pure waste.
x: phone film book camera coat lamp game bag watch radio clock chair kettle bike tent

time
labels: done/coming earlier/afterwards
yes: an event in the past; something that has happened already; the simple past; what is over
no: an event in the future; something that has yet to happen; a sentence with will; what is ahead
+ {y} {x}ed the door. | {y} {x}ed the boxes.
- {y} will {x} the door. | {y} will {x} the boxes.
x: paint clean open wash lock fix
y: Tom Anna Lucy Peter Emma Simon Clara Max

count
labels: one/many singular/plural
yes: a single thing; a noun in the singular; only one item; no more than one object
no: several things; a noun in the plural; more than one item; two or more objects
+ The {x} is {y}. | That {x} looks {y}.
- The {x}s are {y}. | Those {x}s look {y}.
x: apple car cat book cup door lamp bird
y: small old clean heavy new

negation
labels: affirmed/denied does/doesn't
yes: an affirmative sentence; a positive statement; something that is the case; no denial at all
no: a negated sentence; a negative statement; something that is not the case; words with a denial
+ {y} likes {x}. | {y} plays with {x}. | {y} dreams of {x}.
- {y} doesn't like {x}. | {y} doesn't play with {x}. | {y} doesn't dream of {x}.
x: dogs trains cards water horses
y: Tom Anna Lucy Peter Emma

speaker
labels: me/them first/third
yes: the first person; somebody talking of himself or herself; the pronoun I; a speaker's own deeds
no: the third person; somebody talking of others; the pronoun he, she or they; other people's deeds
+ I {x} in the {y}. | In the {y} I {x}.
- She {x} in the {y}. | In the {y} he {x}. | They {x} in the {y}.
x: waited slept worked sang laughed cried
y: garden office kitchen train park hall

voice
labels: active/passive agent/patient
yes: the active voice; a subject that acts; a sentence that begins with the doer; the doer in front
no: the passive voice; a subject that is acted upon; a sentence with was and by; the doer at the end
+ The {x} {y} the thief. | The {x} {y} the old man.
- The thief was {y} by the {x}. | The old man was {y} by the {x}.
x: teacher doctor waiter nurse pilot farmer
y: helped watched followed called pushed stopped

certainty
labels: certain/doubtful surely/perhaps
yes: certainty; something the speaker is sure of; a firm belief; confidence
no: doubt; something the speaker is not sure of; a mere possibility; hesitation
+ {y} will definitely {x}. | I am sure that {y} will {x}. | Without any doubt {y} will {x}.
- {y} might {x}. | I am not sure if {y} will {x}. | Maybe {y} will {x}.
x: win come call agree pay
y: Tom Anna Lucy Peter Emma

place
labels: indoors/outdoors roof/sky
yes: the inside of a building; a room; being indoors; under a roof
no: the open air; nature; being outdoors; under the sky
+ {y} ate in the kitchen. | {y} sat in the library. | {y} lay in bed. | {y} hid in the cellar.
- {y} ate in the forest. | {y} sat in the meadow. | {y} lay in the sun. | {y} hid in the jungle.
y: Tom Anna Lucy Peter Emma Simon Clara Max Nina David Julia Martin

register
labels: formal/casual letter/chat
yes: formal language; a business letter; distant and official wording; correct manners on paper
no: informal language; a message to a friend; familiar and relaxed wording; slang among buddies
+ Dear Mr {x}, I wish to discuss the {y}. | Dear Mrs {x}, we regret the delay of the {y}.
- Hey {x}, gotta talk about the {y}! | Yo {x}, no idea where the {y} is, lol.
x: Miller Baker Carter Cooper Parker Taylor
y: contract invoice project report meeting order

domain
labels: cooking/sport kitchen/stadium
yes: food; something to do with meals; cooks and dishes; what happens at the stove
no: sport; something to do with matches; players and games; what happens on the field
+ {y} fried the eggs. | {y} baked a cake. | {y} peeled the potatoes. | {y} salted the soup.
- {y} scored a goal. | {y} won the race. | {y} kicked the ball. | {y} lost the final.
y: Tom Anna Lucy Peter Emma Simon Clara Max Nina David Julia Martin

question
labels: asking/telling unknown/known
yes: a question about a place; somebody who asks the way; words in search of something; an inquiry
no: a statement about a place; somebody who shows the way; words that give information; a reply
+ Where is the {x}? | Do you know the way to the {x}? | Is there a {x} near here?
- The {x} is over there. | I know the way to the {x}. | There is a {x} near here.
x: station bank school church hotel museum park market bridge hospital library cinema bakery

request
labels: nice/nasty civil/bossy
yes: good manners; a kind way of asking; a request with please; somebody well brought up
no: bad manners; a harsh way of asking; an order in anger; somebody without respect
+ Please {x} the {y}. | Could you {x} the {y}, please?
- {x} the {y}, you idiot! | Stop dawdling and {x} the {y}!
x: clean open bring move find hide
y: box door bag table lamp chair
"""

ANYWHERE = (
    ("A", "B"),
    ("1", "2"),
    ("yes", "no"),
    ("true", "false"),
    ("left", "right"),
    ("X", "O"),
    ("up", "down"),
    ("red", "blue"),
)
"""Labels that fit any distinction."""
SENTENCES = 75
"""Sentences of each sort at most."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Two sorts of sentences, four ways to call each (the last to evaluate with), label pairs."""

    sentences: dict[str, bool]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


def _filled(name: str, patterns: str, words: dict[str, list[str]]) -> list[str]:
    made = [
        pattern.format(**dict(zip(words, chosen, strict=True)))
        for pattern in patterns.split(" | ")
        for chosen in product(*words.values())
    ]
    made = [text[0].upper() + text[1:] for text in dict.fromkeys(made)]
    random.Random(f"labels {name}").shuffle(made)
    return made[:SENTENCES]


def judgements() -> dict[str, Judgement]:
    """Twelve distinctions; each has labels of its own and two pairs that others have too."""
    made: dict[str, Judgement] = {}
    for i, block in enumerate(_TEXT.strip().split("\n\n")):
        name, labels, yes, no, right, wrong, *fillers = block.splitlines()
        words = {filler[0]: filler[3:].split() for filler in fillers}
        own = [pair.split("/") for pair in labels.removeprefix("labels: ").split(" ")]
        shared = (ANYWHERE[2 * i % 8], ANYWHERE[(2 * i + 1 + 2 * (i // 4)) % 8])
        made[name] = Judgement(
            dict.fromkeys(_filled(name, right[2:], words), True)
            | dict.fromkeys(_filled(name, wrong[2:], words), False),
            tuple(yes.removeprefix("yes: ").split("; ")),
            tuple(no.removeprefix("no: ").split("; ")),
            (*((first, second) for first, second in own), *shared),
        )
    return made
