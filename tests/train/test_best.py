"""The best generator so far: the first of the best, loadable, the same after an interruption."""

import json

import pytest
import torch

import t2l_fast as t2l
import t2l_fast.train.run.best as best_module
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.generators import MultiTaskLora, TextToLora
from t2l_fast.train.run.best import Best
from t2l_fast.train.run.config import chosen_measure
from t2l_fast.train.run.layout import CHECKPOINT

VALUES = [0.1, 0.3, 0.2, 0.3, 0.1, 0.2]
"""Of one evaluation a step: the best is the second, the fourth a tie."""


class Killed(Exception):
    pass


@pytest.fixture
def run(trainer, monkeypatch):
    """Makes trainers with one evaluation a step, whose measure is taken from a list."""

    def make(folder="run", values=VALUES, **changes):
        changes = dict(steps=len(values), eval_every=1, save_every=2) | changes
        made = trainer(folder, **changes)
        given = lambda *_: {made.best.measure: values[made.step - 1]}  # noqa: E731
        monkeypatch.setattr(made.validator, "measure", given)
        return made

    return make


def record(made) -> dict:
    return json.loads((made.folder / "best" / "best.json").read_text())


def steps(runs, made) -> list[int]:
    return [line["step"] for line in runs.metrics(made.folder)]


def test_the_first_of_the_best_is_kept(run, tiny):
    made, weights = run(), {}
    made.train(on_step=lambda line: weights.setdefault(line["step"], tiny.state(made.generator)))
    assert record(made) == {"measure": "train_matched", "value": 0.3, "step": 2}
    read = TextToLora.from_pretrained(made.folder / "best", encoder=tiny.encoder())
    for name, tensor in read.state_dict().items():
        assert torch.equal(tensor, weights[2][name].half().float()), name
    assert any(not torch.equal(weights[2][name], weights[4][name]) for name in weights[2])


def test_one_lora_for_all_is_kept_as_a_peft_folder(trainer, tiny):
    model = tiny.model()
    made = trainer(model=model, generator=MultiTaskLora(tiny.generator(model).config))
    made.train()
    read = t2l.LoraWeights.from_pretrained(made.folder / "best")
    assert read.lora_b.keys() == made.generator.config.module_shapes.keys()


@pytest.mark.parametrize("stop", range(1, len(VALUES)))
def test_a_resumed_run_keeps_the_same_best(runs, run, stop):
    """Saved every second step: an odd stop is after an evaluation that is done again."""
    whole = run("whole")
    whole.train()
    with pytest.raises(runs.Interrupted):
        run().train(on_step=runs.interrupt_at(stop))
    resumed = run()
    if stop == 1:  # before the first checkpoint
        resumed.train()
    else:
        resumed.train(resume=True)
    runs.assert_same(resumed, whole)


@pytest.mark.parametrize("torn", ["save_generator", "replace_files"])
@pytest.mark.parametrize("values", [VALUES, [0.1, 0.3, 0.2, 0.2, 0.4, 0.2]], ids=["early", "late"])
@pytest.mark.parametrize("patience", [0, 3])
def test_a_kill_while_the_best_is_written_changes_nothing_in_the_end(
    runs, run, monkeypatch, values, torn, patience
):
    """Killed before the folder is replaced, and between the folder and its record."""
    options = dict(save_every=1, stop_after=patience)
    whole = run("whole", values, **options)
    whole.train()
    killed = run(values=values, **options)
    real = getattr(best_module, torn)

    def fails(*arguments):
        if killed.step == values.index(max(values)) + 1:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(best_module, torn, fails)
    with pytest.raises(Killed):
        killed.train()
    monkeypatch.setattr(best_module, torn, real)
    resumed = run(values=values, **options)
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)


def test_a_start_over_forgets_what_never_reached_a_checkpoint(runs, run):
    with pytest.raises(runs.Interrupted):
        run(values=[0.9, 0.9, 0.9], save_every=3).train(on_step=runs.interrupt_at(1))
    made = run(values=[0.1, 0.2, 0.1], save_every=3)
    made.train()
    assert record(made)["value"] == 0.2


def test_a_best_folder_that_was_removed_is_made_again(runs, run):
    import shutil

    with pytest.raises(runs.Interrupted):
        run().train(on_step=runs.interrupt_at(4))
    made = run()
    shutil.rmtree(made.folder / "best")
    made.train(resume=True)
    assert record(made) == {"measure": "train_matched", "value": 0.2, "step": 6}


def test_a_damaged_record_is_one_sentence(runs, run):
    with pytest.raises(runs.Interrupted):
        run().train(on_step=runs.interrupt_at(4))
    made = run()
    (made.folder / "best" / "best.json").write_text('{"step": ')
    with pytest.raises(CheckpointError, match="can't be read: .*; remove it"):
        made.train(resume=True)


@pytest.mark.parametrize(("patience", "last"), [(0, 6), (1, 3), (2, 4), (3, 5), (5, 6)])
def test_it_stops_after_so_many_evaluations_that_are_no_better(runs, run, patience, last):
    made = run(stop_after=patience)
    made.train()
    assert steps(runs, made) == [*range(1, last + 1)]
    again = run(stop_after=patience)
    again.train(resume=True, on_step=lambda line: pytest.fail(f"went on with {line}"))
    assert again.step == last
    assert record(made)["step"] == 2


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_resumed_run_stops_where_an_uninterrupted_one_does(runs, run, stop):
    whole = run("whole", stop_after=3)
    whole.train()
    with pytest.raises(runs.Interrupted):
        run(stop_after=3).train(on_step=runs.interrupt_at(stop))
    resumed = run(stop_after=3)
    resumed.train(resume=True)
    assert resumed.step == 5
    runs.assert_same(resumed, whole)


def test_a_stopped_run_goes_on_with_more_patience(runs, run):
    whole = run("whole")
    whole.train()
    run(stop_after=1).train()
    made = run(stop_after=0)
    made.train(resume=True)
    runs.assert_same(made, whole)


def test_an_evaluation_that_is_done_again_does_not_count_against_the_best(tmp_path, tiny):
    """The record is of step 6, after the last checkpoint; steps 5 and 6 come again."""
    generator = tiny.generator(tiny.model())
    first = Best(tmp_path, generator, "m", patience=2)
    for step, value in ((2, 0.3), (4, 0.2), (6, 0.5)):
        first.add({"step": step, "m": value})
    again = Best(tmp_path, generator, "m", patience=2)
    again.resume([{"step": 1}, {"step": 2, "m": 0.3}, {"step": 4, "m": 0.2}])
    again.add({"step": 6, "m": 0.5})
    assert (again.step, again.value, again.without) == (6, 0.5, 0)
    again.add({"step": 8, "m": 0.5})
    assert again.without == 1 and not again.exhausted


@pytest.mark.parametrize(
    ("asked", "splits", "evaluates", "expected"),
    [
        pytest.param(None, ["train", "held_out", "far"], True, "held_out_matched", id="held out"),
        pytest.param(None, ["train"], True, "train_matched", id="train alone"),
        pytest.param("far_matched", ["train", "held_out", "far"], True, "far_matched", id="asked"),
        pytest.param(None, ["train"], False, None, id="no evaluations"),
        pytest.param(None, [], True, None, id="nothing to evaluate"),
    ],
)
def test_what_decides(asked, splits, evaluates, expected):
    assert chosen_measure(asked, splits, evaluates=evaluates, patience=0) == expected


def test_what_cannot_decide_is_refused(trainer, tasks):
    with pytest.raises(ConfigError, match=r"\('train_matched'\), got 'held_out_matched'"):
        trainer(best="held_out_matched")
    with pytest.raises(ConfigError, match="got 'train_junk'"):
        trainer(best="train_junk")
    with pytest.raises(ConfigError, match="stop_after=3 needs evaluations .*: set eval_every"):
        trainer(stop_after=3, eval_every=0)


def test_another_measure_is_another_run(runs, trainer, tasks):
    held_out = {"held_out": tasks[:2]}
    with pytest.raises(runs.Interrupted):
        trainer(held_out=held_out).train(on_step=runs.interrupt_at(3))
    made = trainer(held_out=held_out, best="train_matched")
    with pytest.raises(CheckpointError, match="sft.best: 'held_out_matched' there"):
        made.train(resume=True)


def test_without_evaluations_nothing_is_kept(trainer):
    made = trainer(eval_every=0)
    made.train()
    assert (made.folder / CHECKPOINT).exists() and not (made.folder / "best").exists()
