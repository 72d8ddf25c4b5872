"""An interruption changes nothing: a resumed run equals an uninterrupted one, bit by bit."""

import json
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

import t2l_fast.train.run.run as run_module
import t2l_fast.train.sft.settings as sft_settings
from t2l_fast.errors import CheckpointError
from t2l_fast.generators import TextToLora
from t2l_fast.train.run.layout import CHECKPOINT


@pytest.fixture
def uninterrupted(trainer):
    made = trainer("whole")
    made.train()
    return made


@pytest.mark.parametrize("stop", range(2, 5))
def test_a_resumed_run_equals_an_uninterrupted_one(runs, trainer, uninterrupted, stop):
    """Saved every second step, so that some lines and steps are done again."""
    with pytest.raises(runs.Interrupted):
        trainer().train(on_step=runs.interrupt_at(stop))
    torch.manual_seed(1234)
    resumed = trainer()
    resumed.train(resume=True)
    assert resumed.step == runs.STEPS
    runs.assert_same(resumed, uninterrupted)


def test_a_run_with_noise_on_codes_resumes_too(runs, trainer):
    noisy = dict(code_noise=0.5, code_noise_from=2)
    whole = trainer("whole", **noisy)
    whole.train()
    with pytest.raises(runs.Interrupted):
        trainer(**noisy).train(on_step=runs.interrupt_at(3))
    resumed = trainer(**noisy)
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)


@pytest.mark.parametrize("after", [False, True], ids=["before saving", "after saving"])
def test_an_interruption_around_a_checkpoint_loses_no_line(
    runs, trainer, uninterrupted, monkeypatch, after
):
    save = run_module.save_run

    def broken(folder, step, *rest):
        if step < 4 or after:
            save(folder, step, *rest)
        if step == 4:
            raise runs.Interrupted

    monkeypatch.setattr(run_module, "save_run", broken)
    with pytest.raises(runs.Interrupted):
        trainer().train()
    monkeypatch.undo()
    resumed = trainer()
    resumed.train(resume=True)
    runs.assert_same(resumed, uninterrupted)


def test_an_interrupted_run_leaves_the_generator_of_its_last_checkpoint(runs, trainer, tiny):
    made = trainer()
    states = {}
    real = made._save
    made._save = lambda: (real(), states.update({made.step: tiny.state(made.generator)}))
    with pytest.raises(runs.Interrupted):
        made.train(on_step=runs.interrupt_at(3))
    left = TextToLora.from_pretrained(made.folder / "last", encoder=tiny.encoder())
    assert [*states] == [2]
    for name, tensor in states[2].items():
        assert torch.equal(left.state_dict()[name], tensor.half().float()), name


def test_a_torn_last_line_is_dropped(runs, trainer, uninterrupted):
    with pytest.raises(runs.Interrupted):
        trainer().train(on_step=runs.interrupt_at(2))
    made = trainer()
    with (made.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    made.train(resume=True)
    runs.assert_same(made, uninterrupted)


def test_a_finished_run_resumes_to_nothing(runs, trainer, uninterrupted):
    again = trainer("whole")
    lines = []
    again.train(resume=True, on_step=lines.append)
    assert lines == []
    runs.assert_same(again, uninterrupted)


def test_the_random_seed_outside_does_not_matter(runs, trainer, uninterrupted):
    made = trainer()
    torch.manual_seed(1234)
    made.train()
    runs.assert_same(made, uninterrupted)


def test_another_seed_gives_another_run(runs, trainer, uninterrupted):
    made = trainer(seed=1)
    made.train()
    assert runs.metrics(made.folder) != runs.metrics(uninterrupted.folder)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (dict(learning_rate=0.5), "learning_rate: 0.01 there, 0.5 now"),
        (dict(steps=9), "steps: 5 there, 9 now"),
        (dict(mix_descriptions=False), "mix_descriptions: True there, False now"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_settings_are_named(trainer, uninterrupted, changes, named):
    made = trainer("whole", **changes)
    before = (made.folder / "metrics.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match="belongs to another run") as caught:
        made.train(resume=True)
    assert named in str(caught.value)
    assert "weight_decay" not in str(caught.value)
    assert (made.folder / "metrics.jsonl").read_bytes() == before


def without(path, setting: str) -> None:
    """Make it the checkpoint of a version that did not have the setting yet."""
    data = path.read_bytes()
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    run = json.loads(metadata["run"])
    del run["sft"][setting]
    path.write_bytes(save(load(data), metadata=metadata | {"run": json.dumps(run)}))


def test_a_setting_that_is_newer_than_the_checkpoint_counts_as_its_default(trainer, uninterrupted):
    without(uninterrupted.folder / CHECKPOINT, "encoder_rank")
    trainer("whole").train(resume=True)
    without(uninterrupted.folder / CHECKPOINT, "learning_rate")
    with pytest.raises(CheckpointError, match="learning_rate: .* there, 0.01 now"):
        trainer("whole").train(resume=True)


def test_other_tasks_are_named(trainer, uninterrupted, tasks):
    task = tasks[0]
    others = {
        "task_names: now without 'shift/2' and with 'new'": [replace(task, name="new"), *tasks[1:]],
        "task_names: now without 'shift/2'": tasks[1:],
        "task_names: now in another order": tasks[::-1],
        "other texts or examples": [replace(task, descriptions=("anew", "or so")), *tasks[1:]],
    }
    for named, group in others.items():
        with pytest.raises(CheckpointError, match=re.escape(f"another run ({named}")):
            trainer("whole", tasks=group).train(resume=True)


def test_another_precision_of_the_base_is_named(tiny, trainer, uninterrupted):
    with pytest.raises(
        CheckpointError, match=r"dtype: 'torch.float32' there, 'torch.bfloat16' now"
    ):
        trainer("whole", model=tiny.model().bfloat16()).train(resume=True)


def test_tasks_are_read_once_for_all_checkpoints(trainer, monkeypatch):
    """A million examples take longer than the steps between two checkpoints."""
    read = []
    monkeypatch.setattr(sft_settings, "digest", lambda tasks: read.append(len(tasks)) or "the same")
    trainer(save_every=1).train()
    assert len(read) == 1


@pytest.mark.parametrize("held", ["library.safetensors", "model.safetensors"])
def test_a_folder_of_something_else_is_refused(trainer, held):
    made = trainer()
    made.folder.mkdir()
    (made.folder / held).write_bytes(b"kept")
    (made.folder / "metrics.jsonl").write_text("kept\n")
    with pytest.raises(CheckpointError, match=f"holds {held} already: name another"):
        made.train()
    assert (made.folder / "metrics.jsonl").read_text() == "kept\n"


def test_another_generator_is_named(tiny, trainer, uninterrupted):
    model = tiny.model()
    other = tiny.generator(model, dropout=0.5)
    with pytest.raises(CheckpointError, match="dropout: 0.05 there, 0.5 now"):
        trainer("whole", model=model, generator=other).train(resume=True)


def test_starting_over_a_run_is_refused_and_loses_nothing(trainer, uninterrupted):
    def files():
        found = uninterrupted.folder.rglob("*")
        return {path: path.read_bytes() for path in found if path.is_file()}

    before = files()
    assert len(before) > 3
    with pytest.raises(CheckpointError, match="holds training.safetensors already: resume"):
        trainer("whole").train()
    assert files() == before


def test_nothing_to_resume(trainer):
    with pytest.raises(CheckpointError, match="no run to resume: .* start without --resume"):
        trainer().train(resume=True)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "foreign"])
def test_a_damaged_checkpoint_is_refused(trainer, uninterrupted, damage):
    path = uninterrupted.folder / CHECKPOINT
    whole = path.read_bytes()
    damaged = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "text": b"not a checkpoint at all",
        "foreign": save({"x": torch.ones(2)}),
    }
    path.write_bytes(damaged[damage])
    made = trainer("whole")
    with pytest.raises(CheckpointError, match="can't be read"):
        made.train(resume=True)
    assert path.read_bytes() == damaged[damage]
