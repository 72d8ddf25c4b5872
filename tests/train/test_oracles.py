"""Task LoRAs trained in one batch: each as if alone, written as they are done, resumed."""

from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.tasks import Prompt
from t2l_fast.train import OracleConfig, read_library, shard, train_library
from t2l_fast.train.oracles.library import BANK
from tests.train import ranks

LORA = t2l.LoraConfig(("q_proj", "v_proj", "down_proj"), 4, 4)
CONFIG = OracleConfig(steps=6, examples=3, tasks_at_once=3, learning_rate=1e-2)


@pytest.fixture
def tasks(tiny):
    return [tiny.task(f"shift/{by}", tiny.shift(by)) for by in range(2, 7)]


def run(tiny, tasks, folder, config=CONFIG, model=None, lora=LORA, **options):
    model = tiny.taught() if model is None else model
    return train_library(model, Prompt(tiny.tokenizer()), tasks, lora, config, folder, **options)


def tensors(library) -> list[torch.Tensor]:
    return library.adapters.parameters()


def test_each_adapter_is_what_training_it_alone_gives(tiny, tasks, tmp_path):
    together = run(tiny, tasks, tmp_path / "together")
    for index, task in enumerate(tasks):
        alone = run(tiny, [task], tmp_path / f"alone {index}")
        for mine, expected in zip(tensors(together), tensors(alone), strict=True):
            torch.testing.assert_close(mine[:, index], expected[:, 0], rtol=1e-3, atol=1e-4)


def test_each_learns_its_own_task_and_the_model_stays(tiny, tasks, tmp_path):
    model = tiny.taught()
    before, parts = tiny.state(model), tiny.parts(model)
    notes = []
    config = OracleConfig(steps=60, examples=6, tasks_at_once=5, learning_rate=2e-2)
    library = run(tiny, tasks, tmp_path, config, model, on_step=lambda *note: notes.append(note))
    assert notes[-1][:3] == ("oracles", 5, 5) and notes[-1][3] < 1.0  # 2.5 is guessing
    assert library.names == tuple(task.name for task in tasks)
    assert library.descriptions[0] == tasks[0].descriptions
    assert tiny.parts(model) == parts
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


def test_an_interrupted_run_goes_on_where_it_stopped(tiny, tasks, tmp_path):
    class Stop(Exception):
        pass

    def stop(*note):
        if note[1] == 3:
            raise Stop

    with pytest.raises(Stop):
        run(tiny, tasks, tmp_path / "a", on_step=stop)
    assert len(read_library(tmp_path / "a")) == 3
    torn = tmp_path / "a" / f".{BANK}.1-f.new"  # as a kill leaves it
    torn.touch()
    notes = []
    resumed = run(
        tiny, tasks, tmp_path / "a", resume=True, on_step=lambda *note: notes.append(note)
    )
    assert [note[1:3] for note in notes] == [(5, 5)] and not torn.exists()
    whole = run(tiny, tasks, tmp_path / "b")
    assert all(
        torch.equal(mine, theirs)
        for mine, theirs in zip(tensors(resumed), tensors(whole), strict=True)
    )


def test_a_folder_in_use_is_not_overwritten(tiny, tasks, tmp_path):
    run(tiny, tasks[:3], tmp_path)
    kept = (tmp_path / BANK).read_bytes()
    with pytest.raises(CheckpointError, match="holds library.safetensors already: resume"):
        run(tiny, tasks, tmp_path)
    other = {
        "task_names: now without 'shift/2'": dict(tasks=tasks[::-1]),
        "alpha: 4 there, 8 now": dict(lora=t2l.LoraConfig(LORA.target_modules, 4, 8)),
        "steps: 6 there, 7 now": dict(config=replace(CONFIG, steps=7)),
        "other texts or examples": dict(
            tasks=[replace(tasks[0], train=tasks[1].train), *tasks[1:]]
        ),
        "dtype: 'torch.float32' there": dict(model=tiny.taught().bfloat16()),
        "base_model: None there, 'another' now": dict(base_model="another"),
    }
    older = read_library(tmp_path)
    kept_settings = {k: v for k, v in older.settings.items() if k not in ("dtype", "tasks")}
    older = replace(older, settings=kept_settings, base_model=None, prompt_template=None)
    older.save(tmp_path / "older")
    assert len(run(tiny, tasks, tmp_path / "older", resume=True)) == len(tasks)
    for named, changes in other.items():
        with pytest.raises(CheckpointError, match=named):
            run(tiny, folder=tmp_path, resume=True, **(dict(tasks=tasks) | changes))
    assert (tmp_path / BANK).read_bytes() == kept


def test_adapters_start_on_the_models_device(tiny, tasks, tmp_path, monkeypatch):
    """New ones are made on the CPU. The device is only seen here: there may be no other."""
    moved, real = [], t2l.LoraBatch.to
    monkeypatch.setattr(t2l.LoraBatch, "to", lambda b, d: moved.append(d) or real(b, d))
    model = tiny.taught()
    run(tiny, tasks[:1], tmp_path, model=model)
    assert moved[0] == model.device


def test_the_library_says_what_it_was_trained_on(tiny, tasks, tmp_path):
    library = run(tiny, tasks, tmp_path, base_model="tiny")
    assert read_library(tmp_path).base_model == library.base_model == "tiny"
    assert library.prompt_template == Prompt(tiny.tokenizer()).template


@pytest.mark.parametrize("resume", [False, True], ids=["anew", "resumed"])
def test_another_runs_folder_is_refused(tiny, tasks, tmp_path, resume):
    (tmp_path / "training.safetensors").write_bytes(b"kept")
    (tmp_path / "metrics.jsonl").write_text("kept")
    with pytest.raises(CheckpointError, match="holds training.safetensors already: name"):
        run(tiny, tasks, tmp_path, resume=resume)
    assert (tmp_path / "metrics.jsonl").read_text() == "kept"


def test_a_task_with_nothing_to_train_on_is_refused(tiny, tasks, tmp_path):
    with pytest.raises(ConfigError, match="without, such as 'shift/2'"):
        run(tiny, [replace(tasks[0], train=()), *tasks[1:]], tmp_path)


def divided(processes, folder, fsdp) -> list[tuple]:
    made = ranks.tiny()
    model = made._model()
    if fsdp:
        shard(model, processes)
    tasks = [
        made._task(f"shift/{by}", {a: b * (1 + by) for a, b in made._shift(by).items()})
        for by in range(5)
    ]
    config = OracleConfig(steps=6, examples=3, tasks_at_once=2, learning_rate=1e-2)
    notes = []
    options = dict(processes=processes, on_step=lambda *note: notes.append(note))
    train_library(model, Prompt(made._tokenizer()), tasks, LORA, config, folder, **options)
    return notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "fsdp"),
    [
        pytest.param(2, False, id="2-whole"),
        pytest.param(2, True, id="2-fsdp", marks=pytest.mark.nightly),
        pytest.param(3, False, id="3-whole", marks=pytest.mark.nightly),
        pytest.param(3, True, id="3-fsdp"),
    ],
)
def test_processes_that_divide_the_tasks_give_the_same_adapters(tmp_path, count, fsdp):
    """Two at once in each: the last group has one task, which leaves others nothing."""
    (alone,) = ranks.together(1, divided, tmp_path / "one", False)
    first, *others = ranks.together(count, divided, tmp_path / "many", fsdp)
    assert others == [[]] * (count - 1)
    assert [note[1] for note in first] == ([4, 5] if count == 2 else [5])
    if count == 2:  # where the last group is the same
        assert first[-1][3] == pytest.approx(alone[-1][3], rel=1e-2)
    one, many = read_library(tmp_path / "one"), read_library(tmp_path / "many")
    assert (one.names, one.settings) == (many.names, many.settings)
    for mine, expected in zip(tensors(many), tensors(one), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-3, atol=1e-4)
