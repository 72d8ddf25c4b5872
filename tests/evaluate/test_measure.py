"""Exact match: which adapter each row runs, and what counts as right."""

import pytest
import torch

from t2l_fast.adapters import LoraBatch
from t2l_fast.errors import ArgumentError
from t2l_fast.evaluate import Condition, conditions, evaluate, questions
from t2l_fast.generators import MultiTaskLora
from t2l_fast.tasks import Example, answer
from t2l_fast.train import SFTConfig, SFTTrainer

BASE = Condition("base")


def exact_match(report, condition: str = "base", split: str = "s") -> float:
    return report[condition][split]["exact_match"]


def test_what_the_model_answers_is_right(model, prompt, tiny):
    """The expected outputs are the model's own."""
    sources = ["a", "b", "qq", "hello there", "k"]
    given = [answer(model, prompt, [s], max_new_tokens=6)[0] for s in sources]
    made = {s: text for s, text in zip(sources, given, strict=True) if len(text) == 1}
    assert len(made) >= 3
    right = tiny.task("own/right", made)
    wrong = tiny.task("own/wrong", {s: f"{text}!" for s, text in made.items()})
    for task, share in ((right, 1.0), (wrong, 0.0)):
        report = evaluate(model, prompt, {"s": [task]}, [BASE], examples=9)
        assert report["base"]["s"] == {
            "exact_match": share,
            "rows": len(made),
            "by_family": {"own": share},
        }


def test_answers_in_one_batch_are_those_of_single_rows(model, prompt):
    sources = ["a", "hello there", "b", "some words more", "k"]
    together = answer(model, prompt, sources, max_new_tokens=5)
    assert together == [answer(model, prompt, [s], max_new_tokens=5)[0] for s in sources]
    assert together[0] == "b"


def test_shares_are_counted_by_split_and_family(model, prompt, tiny):
    pairs = tiny.shift(1)
    half = pairs | {a: "wrong" for a in tiny.letters[:6]}
    splits = {
        "seen": [tiny.task("one/right", pairs), tiny.task("two/half", half)],
        "unseen": [tiny.task("three/wrong", tiny.shift(5))],
    }
    seen: list[int] = []
    report = evaluate(model, prompt, splits, [BASE], examples=12, on_rows=seen.append)["base"]
    assert report["seen"]["by_family"] == {"one": 1.0, "two": 0.5}
    assert report["seen"]["exact_match"] == 0.75
    assert report["unseen"]["exact_match"] == 0.0
    assert sum(seen) == report["seen"]["rows"] + report["unseen"]["rows"] == 36


def test_further_answers_count_as_right(model, prompt, tiny):
    examples = tuple(Example(a, "something long", (b,)) for a, b in tiny.shift(1).items())
    task = tiny.task("one/also", {"a": "b"}, validation=examples)
    assert exact_match(evaluate(model, prompt, {"s": [task]}, [BASE], examples=12)) == 1.0


def test_oracles_answer_their_own_tasks(model, prompt, says, taught_generator):
    """Rows of both tasks stand side by side; with each other's LoRA all are wrong."""
    tasks = [says("c"), says("j")]
    made = taught_generator.generate([task.eval_descriptions[0] for task in tasks])
    own = {task.name: adapter for task, adapter in zip(tasks, made, strict=True)}
    swapped = dict(zip(own, reversed(own.values()), strict=True))
    asked = [Condition("own", own=own), Condition("swapped", own=swapped)]
    report = evaluate(model, prompt, {"s": tasks}, asked, examples=12)
    assert exact_match(report, "own") > 0.9
    assert exact_match(report, "swapped") == 0.0
    assert "oracles" in [c.name for c in conditions(taught_generator, oracles=own)]
    with pytest.raises(ArgumentError, match="got none for 1, 'say/k'"):
        evaluate(model, prompt, {"s": [*tasks, says("k")]}, asked)


def test_every_row_runs_the_adapter_of_its_description(model, prompt, says, taught_generator):
    """The tasks of the second split want each other's answer, so only a shuffled adapter is right.

    Rows of both tasks stand side by side in one batch.
    """
    splits = {
        "own": [says("c"), says("j")],
        "other's": [says("c", to="j"), says("j", to="c")],
    }
    report = evaluate(model, prompt, splits, conditions(taught_generator), examples=12)
    found = {
        name: (exact_match(report, name, "own"), exact_match(report, name, "other's"))
        for name in report
    }
    assert found["generated, matched"] == (1.0, 0.0)
    assert found["generated, shuffled"] == (0.0, 1.0)
    assert found["base"][0] < 0.5


def test_adapters_that_were_read_from_files_go_to_the_models_device(
    model, prompt, says, tiny, monkeypatch
):
    """Files are read onto the CPU. The device is only seen here: there may be no other."""
    moved, real = [], LoraBatch.to
    monkeypatch.setattr(LoraBatch, "to", lambda b, d: moved.append(d) or real(b, d))
    weights = MultiTaskLora(tiny.generator(model).config).weights()
    rivals = [Condition("one", adapter=weights), Condition("own", own={says("c").name: weights})]
    evaluate(model, prompt, {"split": [says("c")]}, rivals, examples=1)
    assert moved == [model.device] * 2


def test_one_adapter_serves_every_row(model, prompt, says, tiny, tmp_path):
    lora = MultiTaskLora(tiny.generator(model).config)
    config = SFTConfig(80, 1, 8, learning_rate=1e-2, eval_every=0)
    SFTTrainer(lora, model, prompt, [says("c")], config, tmp_path / "run").train()
    rivals = [Condition("lora", adapter=lora.weights())]
    report = evaluate(model, prompt, {"s": [says("c"), says("e")]}, rivals, examples=12)
    assert exact_match(report, "lora") == 0.5


def test_the_described_rival_reads_the_description(model, prompt, tiny, monkeypatch):
    import t2l_fast.evaluate.measure as module

    told = []

    def spy(model, prompt, sources, *, max_new_tokens, descriptions=None):
        told.append(descriptions)
        return ["?"] * len(sources)

    monkeypatch.setattr(module, "answer", spy)
    task = tiny.task("one/right", tiny.shift(1))
    evaluate(model, prompt, {"s": [task]}, [Condition("d", described=True), BASE])
    assert {*told[0]} == {*task.eval_descriptions}
    assert told[1] is None


def test_a_split_without_examples_is_refused(model, prompt, tiny):
    empty = tiny.task("one/a", tiny.shift(1), validation=())
    splits = {"full": [tiny.task("one/b", tiny.shift(1))], "empty": [empty]}
    with pytest.raises(ArgumentError, match="needs validation examples, got none in 1 tasks"):
        evaluate(model, prompt, splits, [BASE])
    with pytest.raises(ArgumentError, match="none in 0 tasks"):
        questions([], 4)


@pytest.mark.parametrize("kind", ["generator", "adapter"])
@pytest.mark.parametrize("fails", [False, True], ids=["finished", "after an error"])
def test_the_model_is_left_as_it_was(model, prompt, tiny, kind, fails):
    generator = tiny.generator(model)
    lora = MultiTaskLora(generator.config).weights()
    rival = {
        "generator": Condition("g", generator=generator),
        "adapter": Condition("a", adapter=lora),
    }[kind]
    before, parts = tiny.state(model), tiny.parts(model)

    def on_rows(count):
        if fails:
            raise KeyboardInterrupt

    splits = {"s": [tiny.task("one/a", tiny.shift(1))]}
    if fails:
        with pytest.raises(KeyboardInterrupt):
            evaluate(model, prompt, splits, [rival], on_rows=on_rows)
    else:
        evaluate(model, prompt, splits, [rival], on_rows=on_rows)
    assert tiny.parts(model) == parts
    assert [n for n, t in model.state_dict().items() if not torch.equal(t, before[n])] == []
