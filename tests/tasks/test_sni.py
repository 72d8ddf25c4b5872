"""Super-NaturalInstructions: what is cut out of an input of definition, shots and problem."""

import pytest

from t2l_fast.errors import TaskError
from t2l_fast.tasks.sni import is_sni, sni_fields, source_of

TOLD = "Please complete the task without any explanation."


def test_definition_problem_and_answer_are_cut_out(sni):
    row = {"input": sni.text("Add the numbers.", "1 and 2"), "output": ["3"]}
    assert sni_fields(row) == {
        "task_def": f"Add the numbers. {TOLD}",
        "problem": "1 and 2",
        "answer": "3",
    }


def test_all_answers_are_given_and_asked_for(sni):
    one, more = (
        sni_fields({"input": sni.text("Name one.", "fruit"), "output": answers})
        for answers in (["fig"], ["fig", "plum"])
    )
    assert more["answer"] == "fig, plum"
    assert more["task_def"].startswith(one["task_def"] + "\n")


@pytest.mark.parametrize(
    "problem",
    ["a\nb", "Input: x", "x\nOutput: y", "Definition: d", "1\n\nPositive Example 3 -", "{braces}"],
)
def test_a_problem_is_kept_whole(problem, sni):
    assert sni_fields({"input": sni.text("Do it.", problem), "output": ["x"]})["problem"] == problem


def test_a_definition_may_have_lines_and_an_answer_be_a_number(sni):
    fields = sni_fields({"input": sni.text("One.\nTwo.", "x") + " ", "output": [1]})
    assert fields == {"task_def": f"One.\nTwo. {TOLD}", "problem": "x", "answer": "1"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"input": "Input: x\nOutput:", "output": ["y"]}, "must hold 'Definition: '"),
        ({"input": "Definition: d", "output": ["y"]}, "must hold 'Now complete the following"),
        ({"input": "Definition: d", "output": "y"}, "a list 'output', got .*'output': 'str'"),
        ({"question": "q"}, "must have a text 'input' .*got .*'question': 'str'"),
    ],
    ids=["no definition", "no problem", "one text as output", "other fields"],
)
def test_another_form_is_refused(row, message):
    with pytest.raises(TaskError, match=message):
        sni_fields(row)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("Lots-of-LoRAs/task1711_poki_text_generation", "poki"),
        ("Lots-of-LoRAs/task033_winogrande_answer_generation", "winogrande"),
        ("task1_x", "x"),
    ],
)
def test_sets_are_known_by_their_names(path, source):
    assert is_sni(path) and source_of(path) == source


@pytest.mark.parametrize("path", ["gsm8k", "google/boolq", "me/my_task12_x", "a/tasks_1"])
def test_other_sets_are_not_taken_for_them(path):
    assert not is_sni(path)
