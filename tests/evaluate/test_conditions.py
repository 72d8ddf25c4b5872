"""Conditions, their questions, and whose description a shuffled one is."""

import pytest

from t2l_fast.errors import ArgumentError
from t2l_fast.evaluate import Condition, conditions, evaluate, questions, shuffled
from t2l_fast.generators import MultiTaskLora
from t2l_fast.tasks import JUNK

BASE = Condition("base")


class Recorded:
    """A generator that remembers what it was asked for."""

    def __init__(self, generator) -> None:
        self.config, self._generator, self.asked = generator.config, generator, []

    def generate(self, conditions):
        self.asked += conditions
        return self._generator.generate(conditions)


def test_matched_asks_for_evaluation_descriptions_and_junk_for_junk(model, prompt, tiny):
    tasks = [tiny.task(f"shift/{by}", tiny.shift(by)) for by in (2, 3)]
    for kind, allowed in (
        ("matched", {text for task in tasks for text in task.eval_descriptions}),
        ("junk", {*JUNK}),
    ):
        generator = Recorded(tiny.generator(model))
        rival = Condition("g", generator=generator, descriptions=kind)
        evaluate(model, prompt, {"s": tasks}, [rival])
        assert {*generator.asked} == allowed
        assert not any(text in task.descriptions for task in tasks for text in generator.asked)


def test_conditions_are_all_rivals_there_are(tiny, model):
    generator = tiny.generator(model)
    lora = MultiTaskLora(generator.config).weights()
    few = [c.name for c in conditions(generator)]
    every = [c.name for c in conditions(generator, multi_task=lora, multi_task_described=lora)]
    assert few == ["base", "base + description"] + [
        f"generated, {kind}" for kind in ("matched", "shuffled", "junk")
    ]
    assert {*every} - {*few} == {"multi-task LoRA", "multi-task LoRA + description"}


def test_questions_take_so_many_examples_and_turn_through_descriptions(tiny):
    task = tiny.task("one/a", tiny.shift(1))
    asked = questions([task], 6)
    assert sorted(q.example.input for q in asked) == list(tiny.letters[:6])
    counts = [sum(q.description == text for q in asked) for text in task.eval_descriptions]
    assert counts == [3, 3]
    assert questions([task], 6) == asked
    assert questions([task], 6, seed=1) != asked


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_descriptions_are_never_a_near_twins(tiny, seed):
    groups = ("up", "up", "up", None, None, "down", "down", "down")
    tasks = [tiny.task(f"one/{i}", tiny.shift(i), group=group) for i, group in enumerate(groups)]
    twins = {text: task.twins for task in tasks for text in task.eval_descriptions}
    asked = questions(tasks, 5, seed=seed)
    told = shuffled(asked)
    assert len(told) == len(asked) == 40
    assert all(twins[text] != q.task.twins for q, text in zip(asked, told, strict=True))
    assert len({*told}) > 4


def test_near_twins_alone_cannot_be_shuffled(tiny):
    tasks = [tiny.task(f"one/{i}", tiny.shift(i), group="same") for i in range(3)]
    with pytest.raises(ArgumentError, match="at least two tasks that are no near-twins"):
        shuffled(questions(tasks, 2))


def test_a_task_without_evaluation_descriptions_is_refused(tiny):
    with pytest.raises(ArgumentError, match="one/a.* evaluation descriptions"):
        questions([tiny.task("one/a", tiny.shift(1), eval_descriptions=())], 4)
