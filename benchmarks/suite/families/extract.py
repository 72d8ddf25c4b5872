"""What a sentence says of who, what, how many, where and when: slots of one grammar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

from benchmarks.suite.draft import Draft, worded
from benchmarks.suite.grids.dressed import dressed
from benchmarks.suite.lexicon.fields import FIELDS, FURTHER, JOINED, ROWS, SINGLES, WRITTEN, without
from benchmarks.suite.lexicon.manners import ALONE
from benchmarks.suite.lexicon.reports import DAYS, NUMBERS, Slots, sentences

_TEMPLATES = (
    "Extract {} from the sentence.",
    "What does the sentence give as {}?",
    "You will be given a sentence. Write {}.",
    "Read the sentence and answer with {}.",
    "Please find {} in this sentence.",
    "Information extraction: {}.",
    "From the text, pull out {} and nothing else.",
    "The sentence tells a small story. Report {}.",
    "Can you tell me {} in the given sentence?",
    "A sentence comes in, {} goes out.",
    "I only care about {}; leave out the rest of the sentence.",
    "Return just {}, taken from the statement.",
    "Fill in a form from the sentence: the only field is {}.",
    "Look for {} in a short sentence and copy it to the output.",
    "Somebody did something somewhere. State {}.",
    "sentence -> {}",
    "Output {} that belongs to the sentence.",
    "Given a one-line news item, note down {}.",
)
_EVAL_TEMPLATES = (
    "Reduce the report to {}.",
    "Each message describes an event; your reply should contain only {}.",
    "I would like to know {}, based on the line of text.",
    "parse the event, keep {}",
    "After reading what happened, say {} without further words.",
)
_TASKS: dict[str, Callable[[Slots], str]] = {
    "name": lambda s: s["name"],
    "number": lambda s: s["number"],
    "colour": lambda s: s["colour"],
    "thing": lambda s: s["thing"],
    "city": lambda s: s["city"],
    "weekday": lambda s: s["day"],
    "verb": lambda s: s["verb"],
    "colour-thing": lambda s: f"{s['colour']} {s['thing']}",
    "number-thing": lambda s: f"{s['number']} {s['thing']}",
    "number-colour": lambda s: f"{s['number']} {s['colour']}",
    "verb-thing": lambda s: f"{s['verb']} {s['thing']}",
    "name-verb": lambda s: f"{s['name']} {s['verb']}",
    "name-city": lambda s: f"{s['name']}, {s['city']}",
    "city-weekday": lambda s: f"{s['city']}, {s['day']}",
    "weekday-name": lambda s: f"{s['day']}: {s['name']}",
    "thing-number": lambda s: f"{s['thing']}: {s['number']}",
    "name-upper": lambda s: s["name"].upper(),
    "city-upper": lambda s: s["city"].upper(),
    "thing-upper": lambda s: s["thing"].upper(),
    "number-plus-one": lambda s: str(int(s["number"]) + 1),
    "number-in-words": lambda s: NUMBERS[int(s["number"]) - 2],
    "weekday-short": lambda s: s["day"][:3],
    "next-day": lambda s: DAYS[(DAYS.index(s["day"]) + 1) % 7],
    "name-initial": lambda s: s["name"][0],
    "thing-singular": lambda s: s["thing"][:-1],
}


_FORMATTED = {
    "capitals": "verb colour day",
    "small": "name city day",
    "parentheses": "name number city thing",
    "quotes": "verb colour city day",
    "label": "name number colour city",
}
"""Fields that are asked for in another way of writing; the labels are the fields' own names."""
_IN_A_ROW = ("name number city", "thing day verb", "city name colour", "day verb number")
_ELSEWHERE = {
    ("name", "city", "comma"),
    ("city", "day", "comma"),
    ("day", "name", "colon"),
    ("thing", "number", "colon"),
}
"""Pairs that are told as singles."""
_WAYS = without(ALONE, "capitals", "small", "parentheses", "quotes")
_SENSIBLE = ("number colour thing", "name city day", "name verb thing")


def _draft(
    name: str, phrases: Sequence[str], unseen: Sequence[str], pairs: Mapping[str, str]
) -> Draft:
    return Draft(name, worded(_TEMPLATES, *phrases), worded(_EVAL_TEMPLATES, *unseen), pairs)


def _formatted(pool: Mapping[str, Slots]) -> Iterator[Draft]:
    """One field, written in another way."""
    change = {"capitals": str.upper, "small": str.lower}
    for way, fields in _FORMATTED.items():
        for field in fields.split():
            write = change.get(way, str)
            how = [phrase.format("", field) for phrase in WRITTEN[way].phrases]
            *seen, unseen = FIELDS[field]
            pairs = {
                text: WRITTEN[way].pattern.format(write(slots[field]), field)
                for text, slots in pool.items()
            }
            phrases = [f"{what} {how[i % 2]}" for i, what in enumerate(seen)]
            yield _draft(f"{field}-{way}", phrases, [f"{unseen}, {how[2]}"], pairs)


def _paired(pool: Mapping[str, Slots]) -> Iterator[Draft]:
    """Every ordered pair of fields, joined in several of the ways; some in capital letters."""
    order, joints = list(FIELDS), list(JOINED)
    every = [*JOINED, *FURTHER]
    for i, (first, second) in enumerate(permutations(order, 2)):
        at = order.index(first), order.index(second)
        joint = joints[(3 * at[0] + at[1]) % len(joints)]
        yield _pair(pool, first, second, joint, loud=i % 4 == 3)
        others = [name for name in every if name != joint]
        for turn in range(2):
            other = others[(5 * at[0] + at[1] + 4 * turn) % len(others)]
            if (first, second, other) not in _ELSEWHERE:
                yield _pair(pool, first, second, other, loud=turn == 1 and i % 2 == 0)


def _pair(pool: Mapping[str, Slots], first: str, second: str, joint: str, loud: bool) -> Draft:
    """Two fields, joined in one way, perhaps in capital letters."""
    way = (JOINED | FURTHER)[joint]
    (how, between, middle), a, b = way.phrases, FIELDS[first], FIELDS[second]
    end = ", all in capital letters" if loud else ""
    pairs = {text: way.pattern.format(slots[first], slots[second]) for text, slots in pool.items()}
    if loud:
        pairs = {text: target.upper() for text, target in pairs.items()}
    phrases = (
        f"{a[0]} and {b[0]}, {how}{end}",
        between.format(a=a[1], b=b[1]) + end,
        f"{a[2]} first and then {b[2]}, {how}{end}",
    )
    unseen = f"{a[3]} and {b[3]}, {middle}" + (", everything in upper case" if loud else "")
    name = f"{first}-{second}-{joint}" + ("-capitals" if loud else "")
    return _draft(name, phrases, [unseen], pairs)


def _threefold(pool: Mapping[str, Slots]) -> Iterator[Draft]:
    """Three fields in a row."""
    rows = [*zip(_IN_A_ROW, ROWS, strict=True), *((fields, "spaces") for fields in _SENSIBLE)]
    for fields, row in rows:
        a, b, c = (FIELDS[field] for field in fields.split())
        how = ROWS[row].phrases
        phrases = (
            f"{a[0]}, {b[0]} and {c[0]}, {how[0]}",
            f"{a[1]}, then {b[1]}, then {c[1]}, {how[1]}",
            f"three things, {a[2]}, {b[2]} and {c[2]}, {how[0]}",
        )
        pairs = {
            text: ROWS[row].pattern.format(*(slots[field] for field in fields.split()))
            for text, slots in pool.items()
        }
        unseen = f"{a[3]}, {b[3]} and {c[3]}, {how[2]}"
        yield _draft(f"{fields.replace(' ', '-')}-{row}", phrases, [unseen], pairs)


def tasks() -> list[Draft]:
    """Single slots, pairs and triples of slots, each written in several ways, over one grammar."""
    pool = sentences()
    lines = (line.split(" = ") for line in SINGLES.strip().splitlines())
    wording = {name: tuple(phrases.split("; ")) for name, phrases in lines}
    made = [
        _draft(name, phrases, phrases, {text: _TASKS[name](slots) for text, slots in pool.items()})
        for name, phrases in wording.items()
    ]
    pool |= sentences("extract more")
    answers = {
        field: (called, {text: slots[field] for text, slots in pool.items()})
        for field, called in FIELDS.items()
    }
    more = dressed(answers, _WAYS, ("a sentence", "a short news item"), each=6)
    return [*made, *_formatted(pool), *_paired(pool), *_threefold(pool), *more]
