"""The grids: every attribute value is met in trained tasks, and cells do what they say."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.suite.descriptions import TEMPLATES_PER_KIND, Names, Phrases, fill_fields
from benchmarks.suite.families.arithmetic import grid as arithmetic
from benchmarks.suite.families.code import grid as code
from benchmarks.suite.families.code.forms import fill_form
from benchmarks.suite.families.dates import grid as dates
from benchmarks.suite.families.letters import grid as letters
from benchmarks.suite.families.morphology import grid as morphology
from benchmarks.suite.families.numerals import grid as numerals
from benchmarks.suite.families.phrases import grid as phrases
from benchmarks.suite.families.pick_position import grid as pick_position
from benchmarks.suite.families.sequence import grid as sequence
from benchmarks.suite.families.sequence.names import NAMES
from benchmarks.suite.families.wrap import grid as wrap
from benchmarks.suite.shared.clauses import CLAUSE_FORMS, SUBJECTS, Verb, clause
from t2l_fast.tasks import load_suite

pytest.importorskip("num2words", reason="the built-in suite needs t2l_fast[suite]")
ORDER_CODES = {"d": "%d", "m": "%m", "y": "%Y", "Y": "%y"}
VALUES = {
    "arithmetic": [*arithmetic.RESULT_FORMS, *arithmetic.OPERATIONS],
    "code": [*code.CONTEXTS, *code.CASES, *code.ORDERS],
    "dates": [*dates.ORDERS, *dates.SEPARATORS, "short", "capitals"],
    "letters": [*letters.PLACES, *letters.STYLES, "counted"],
    "morphology": [
        *map(str.lower, SUBJECTS),
        *CLAUSE_FORMS,
        *morphology.DETERMINERS,
        *morphology.ADJECTIVES,
    ],
    "numerals": [
        *(name for name, *_ in (*numerals.CURRENCIES, *numerals.UNITS)),
        *numerals.FORMS.money,
        *numerals.FORMS.measure,
        *numerals.FORMS.label,
        *numerals.FORMS.labels,
        *numerals.MAGNITUDES,
        *numerals.PREFIXES,
    ],
    "phrases": [
        *map(str.lower, phrases.SPEAKERS),
        *(v.base for v in phrases.VERBS),
        *phrases.TENSES,
        *phrases.REQUESTS.actions,
        *phrases.REQUESTS.requests,
        *phrases.REMARKS.aspects,
        *phrases.REMARKS.remarks,
    ],
    "pick_position": [*pick_position.FORMATS, *pick_position.ORDERS, *pick_position.SEPARATORS],
    "sequence": [
        *(unit.removeprefix("week") for unit in NAMES),
        *("letter", "series", "before", "after", "capital"),
        *(style for style in sequence.STYLES if style != "full"),
    ],
    "wrap": [
        *wrap.MARKS,
        *wrap.PLACES,
        *wrap.BRACKETS,
        *wrap.WIDTHS,
        *wrap.WORDS.first_words,
        *wrap.WORDS.last_words,
        "word",
        "html",
    ],
}


@pytest.fixture(scope="module")
def suite():
    return load_suite()


def test_every_value_is_met_in_a_trained_task(suite):
    names: dict[str, str] = {family: "" for family in VALUES}
    for task in suite.train:
        if task.family in VALUES:
            names[task.family] += f"-{task.name.split('/')[1]}- "
    missing = {f: [v for v in told if f"-{v}-" not in names[f]] for f, told in VALUES.items()}
    assert missing == {family: [] for family in VALUES}


def test_every_wrapped_word_stands_inside_what_is_written(suite):
    tasks = [task for task in suite if task.family == "wrap"]
    for task in tasks:
        rests = {e.output.replace(e.input, "\0", 1) for e in task.train}
        assert len(rests) == 1, task.name


@pytest.mark.parametrize("order", dates.ORDERS)
@pytest.mark.parametrize("separator", dates.SEPARATORS)
def test_a_numeric_date_is_its_parts_in_that_order(suite, order, separator):
    name = f"dates/{order}-{separator}"
    tasks = [task for task in suite if task.name == name]
    if not tasks:
        assert f"{order}-{separator}" in dates.DUPLICATES
        return
    codes = [ORDER_CODES[part] for part in dates.ORDERS[order].value]
    for example in tasks[0].train:
        day = date.fromisoformat(example.input)
        parts = example.output.split(dates.SEPARATORS[separator].value)
        assert parts == [f"{day:{code}}" for code in codes]


def test_steps_up_and_down_undo_each_other_around_the_week(suite):
    told = {
        task.name: {e.input: e.output for e in (*task.train, *task.validation)} for task in suite
    }
    after, before = told["sequence/day-three-after"], told["sequence/day-three-before"]
    assert all(before[day] == source for source, day in after.items() if source in after.values())


@pytest.mark.parametrize(
    ("subject", "form", "said"),
    [
        ("I", "progressive", "I am going"),
        ("he", "present", "he goes"),
        ("they", "present", "they go"),
        ("she", "past", "she went"),
        ("we", "future", "we will go"),
        ("I", "past-progressive", "I was going"),
        ("you", "past-progressive", "you were going"),
        ("she", "perfect", "she has gone"),
        ("he", "negative", "he does not go"),
        ("they", "past-negative", "they did not go"),
        ("she", "question", "does she go"),
        ("you", "past-question", "did you go"),
    ],
)
def test_a_clause_agrees_with_its_subject(subject, form, said):
    assert clause(subject, form, Verb("go", "goes", "went", "going", "gone")) == said


def test_phrases_meet_every_name_and_keep_those_for_evaluation():
    phrases = Phrases(
        answer=("{mark} before", "{mark} in front"),
        eval_answer="{mark} first",
        instruction=("put {mark}",),
        eval_instruction="start with {mark}",
    )
    mark = Names(("a dollar", "a $"), eval_name="the sign of dollars")
    filled = fill_fields(phrases, "$x", mark=mark)
    assert len(filled.answer) == len(filled.instruction) == TEMPLATES_PER_KIND
    assert {phrase.removesuffix(" (like $x)") for phrase in filled.answer} == {
        f"{mark} {end}" for mark in ("a dollar", "a $") for end in ("before", "in front")
    }
    assert filled.eval_answer == "the sign of dollars first, such as $x"
    assert filled.eval_instruction == "start with the sign of dollars, such as $x"
    shown = [phrase.endswith("(like $x)") for phrase in filled.answer]
    assert sum(shown) == TEMPLATES_PER_KIND // 2


def test_braces_of_a_mark_stay():
    assert wrap.fill_form("{{w}}", "word") == "{word}"
    assert fill_form("{UA}-{B}({a})", "red apple") == "RED-Apple(red)"
