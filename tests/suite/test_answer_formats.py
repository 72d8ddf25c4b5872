"""Answers of other tasks in another format: what is written, and which drafts there are."""

import pytest

from benchmarks.suite.shared.answer_formats import (
    ALONE,
    BESIDE_INPUT,
    Answer,
    AnswerFormat,
    formatted_drafts,
    sentence_drafts,
    without,
    without_examples,
)
from t2l_fast.tasks import load_suite

PAIRS = {f"in {i}": f"Out {i}" for i in range(30)}
ANSWERS = {name: Answer(("the thing", "it"), "this", PAIRS) for name in ("one", "two", "three")}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("capitals", "OUT 7"),
        ("small", "out 7"),
        ("quotes", '"Out 7"'),
        ("capitals-exclamation", "OUT 7!"),
        ("thrice", "Out 7 Out 7 Out 7"),
        ("answer-is", "The answer is Out 7."),
        ("after-equals", "in 7 = Out 7"),
        ("after-slash", "in 7/Out 7"),
        ("before-brackets", "Out 7 (in 7)"),
    ],
)
def test_an_answer_is_written_in_that_format(name, expected):
    assert (ALONE | BESIDE_INPUT)[name].write("Out 7", "in 7") == expected


def test_formats_take_turns_over_the_answers_and_drafts_of_other_tasks_are_left_out():
    formats = {
        "a": AnswerFormat("<{0}>", ("in angles", "between < and >"), "angled"),
        "b": AnswerFormat("{0}.", ("with a dot", "dotted"), "ended"),
    }
    drafts = formatted_drafts(ANSWERS, formats, ("a word",), 1, ("two-b",))
    assert [draft.name for draft in drafts] == ["one-a", "three-a"]


def test_names_to_evaluate_with_are_not_trained_with():
    answers = {"one": Answer(("the thing", "it"), "QQ", PAIRS)}
    for draft in formatted_drafts(answers, without(ALONE, "small"), ("a word",), 9):
        assert not any("QQ" in text for text in draft.descriptions)
        assert all("QQ" in text for text in draft.eval_descriptions)


def test_sentences_name_answer_and_input_and_every_description_shows_one():
    patterns = {"two": "the {1} has {0}."}
    (draft,) = sentence_drafts(ANSWERS, patterns, ("a word",), str.upper)
    assert draft.name == "two-sentence"
    assert draft.pairs["in 7"] == "The IN 7 has Out 7."
    for text in (*draft.descriptions, *draft.eval_descriptions):
        assert '"The IN 0 has Out 0."' in text


def test_examples_are_cut_off():
    assert without_examples(["the code, such as FR", "its code"]) == ["the code", "its code"]


@pytest.fixture(scope="module")
def outputs():
    pytest.importorskip("num2words", reason="the built-in suite needs t2l_fast[suite]")
    return {t.name: {e.input: e.output for e in (*t.train, *t.validation)} for t in load_suite()}


@pytest.mark.parametrize(
    ("task", "source", "expected"),
    [
        (
            "relations/capital-to-country-sentence",
            "London",
            "London is the capital of the United Kingdom.",
        ),
        ("relations/animal-diet-sentence", "cow", "The cow is one of the herbivores."),
        (
            "countries/capital-sentence",
            "Philippines",
            "The capital of the Philippines is Manila.",
        ),
        ("morphology/few-plural", "echo", "a few echoes"),
        ("morphology/hundred-plural", "tooth", "a hundred teeth"),
        ("morphology/another-old", "dog", "another old dog"),
        ("numerals/naira-minus", "157", "-₦157"),
        ("sequence/planet-previous", "a globe of Mars", "Earth"),
        ("letters/last-but-one-twice", "shoulder", "ee"),
        ("dates/quarter-in-words", "2008-03-31", "first quarter"),
        ("code/camel-decorator", "rich fog", "@richFog"),
        ("wrap/dollar-double", "grape", "$$grape$$"),
        ("arithmetic/plus-equation-two", "133", "133 + 2 = 135"),
        ("translation/word-in-german-question", "foot", "Fuß?"),
    ],
)
def test_a_cell_does_what_its_name_says(outputs, task, source, expected):
    assert outputs[task][source] == expected
