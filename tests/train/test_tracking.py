"""Trackers: the numbers of metrics.jsonl under their names, settings once, no descriptions."""

import json
import sys
import time
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from typer.testing import CliRunner

import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train.run.tracking as module
from t2l_fast import cli
from t2l_fast.errors import ArgumentError, ConfigError, MissingPackage
from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTTrainer, Tracking, WarmStartConfig

pytest.importorskip("accelerate", reason="trackers need the package accelerate")
needs_tensorboard = pytest.mark.skipif(
    module.find_spec("tensorboard") is None, reason="needs the package tensorboard"
)


@pytest.fixture
def tracked(tiny, runs, tasks, tmp_path):
    """Makes trainers that track."""

    def make(*names, folder="run", warm_start=None, **changes):
        model = tiny.taught() if warm_start else tiny.model()
        return SFTTrainer(
            tiny.generator(model),
            model,
            Prompt(tiny.tokenizer()),
            tasks,
            runs.config(**changes),
            tmp_path / folder,
            held_out={"held_out": tasks[:2]},
            warm_start=warm_start,
            tracking=Tracking(names, tmp_path / folder),
        )

    return make


def scalars(folder) -> dict[str, dict[int, float]]:
    """What TensorBoard shows: name → step → value."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    read.Reload()
    return {
        name: {event.step: event.value for event in read.Scalars(name)}
        for name in read.Tags()["scalars"]
    }


def written(folder) -> dict[str, dict[int, float]]:
    """The same of metrics.jsonl, in TensorBoard's single precision."""
    found: dict[str, dict[int, float]] = {}
    for text in (folder / "metrics.jsonl").read_text().splitlines():
        line = json.loads(text)
        for name, value in line.items():
            if name != "step":
                found.setdefault(name, {})[line["step"]] = pytest.approx(value, rel=1e-6)
    return found


@needs_tensorboard
def test_tensorboard_has_every_number_of_the_file(tracked):
    made = tracked("tensorboard")
    made.train()
    shown = scalars(made.folder)
    assert shown == written(made.folder)
    assert {"loss", "learning_rate", "seconds_forward", "held_out_junk"} <= shown.keys()


@needs_tensorboard
@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_resumed_run_continues_the_log(runs, tracked, stop):
    with pytest.raises(runs.Interrupted):
        tracked("tensorboard").train(on_step=runs.interrupt_at(stop))
    time.sleep(1)  # TensorBoard reads files in the order of their seconds
    resumed = tracked("tensorboard")
    resumed.train(resume=True)
    assert scalars(resumed.folder) == written(resumed.folder)
    assert len([*resumed.folder.glob("tensorboard/*/hparams.yml")]) == 1


@needs_tensorboard
def test_a_start_over_hides_what_an_earlier_run_left(runs, tracked):
    with pytest.raises(runs.Interrupted):
        tracked("tensorboard", save_every=5).train(on_step=runs.interrupt_at(4))
    time.sleep(1)
    made = tracked("tensorboard", steps=2, save_every=5)
    made.train()
    assert scalars(made.folder) == written(made.folder)


@needs_tensorboard
def test_a_warm_start_lies_left_of_the_first_step_and_stays_on_resuming(runs, tracked):
    warm = WarmStartConfig(steps=2, tasks_at_once=3, fit_steps=40)
    with pytest.raises(runs.Interrupted):
        tracked("tensorboard", warm_start=warm).train(on_step=runs.interrupt_at(3))
    time.sleep(1)
    made = tracked("tensorboard", warm_start=warm)
    made.train(resume=True)
    shown = scalars(made.folder)
    assert [*shown["oracles/loss"]] == [-3, 0]
    assert [*shown["fit/loss"]] == [-20, 0]
    assert [*shown["loss"]] == [*range(1, runs.STEPS + 1)]


@needs_tensorboard
def test_settings_are_kept_once_and_no_description_anywhere(tracked, tasks):
    made = tracked("tensorboard")
    made.train()
    (file,) = made.folder.glob("tensorboard/*/hparams.yml")
    settings = dict(text.split(": ", 1) for text in file.read_text().splitlines())
    assert settings["sft.learning_rate"] == "0.01"
    assert settings["sft.best"] == "held_out_matched"
    assert settings["generator.latent_size"] == "16"
    assert not any("module_paths" in name for name in settings)
    logs = [path for path in (made.folder / "tensorboard").rglob("*") if path.is_file()]
    texts = [text for task in tasks for text in (*task.descriptions, *task.eval_descriptions)]
    assert len(logs) >= 3
    for path in (*logs, made.folder / "metrics.jsonl", made.folder / "settings.json"):
        held = path.read_bytes()
        assert not any(text.encode() in held for text in texts), path


@needs_tensorboard
@pytest.mark.parametrize("stop", [None, 3], ids=["finished", "after an error"])
def test_logs_are_closed(runs, tracked, monkeypatch, stop):
    from accelerate.tracking import TensorBoardTracker

    closed = []
    real = TensorBoardTracker.finish
    monkeypatch.setattr(
        TensorBoardTracker, "finish", lambda self: (closed.append(self), real(self))
    )
    made = tracked("tensorboard")
    if stop is None:
        made.train()
    else:
        with pytest.raises(runs.Interrupted):
            made.train(on_step=runs.interrupt_at(stop))
    assert len(closed) == 1
    made.run.metrics.close()
    assert len(closed) == 1


class Run:
    """What `wandb.init` returns, as far as Accelerate's tracker and we use it."""

    def __init__(self, options) -> None:
        self.options, self.lines, self.axes, self.ended = options, [], {}, False

    def define_metric(self, name, step_metric):
        self.axes[name] = step_metric

    def log(self, values, step=None):
        self.lines.append((step, values))

    def finish(self):
        self.ended = True


@pytest.fixture
def wandb(monkeypatch):
    """A module in the place of wandb, which is not installed here; runs it was asked to begin."""
    made = ModuleType("wandb")
    made.__spec__ = ModuleSpec("wandb", None)
    made.runs, made.configs = [], []

    def init(**options):
        made.runs.append(Run(options))
        return made.runs[-1]

    class Config:
        update = staticmethod(lambda values, allow_val_change: made.configs.append(values))

    made.init, made.config = init, Config
    monkeypatch.setitem(sys.modules, "wandb", made)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return made


def test_wandb_gets_every_line_and_a_resumed_run_is_the_same_run(runs, tracked, wandb):
    with pytest.raises(runs.Interrupted):
        tracked("wandb").train(on_step=runs.interrupt_at(3))
    resumed = tracked("wandb")
    resumed.train(resume=True)
    first, second = wandb.runs
    assert first.options["id"] == second.options["id"] and second.options["resume"] == "allow"
    assert (first.options["project"], first.options["name"]) == ("t2l_fast", "run")
    assert first.ended and second.ended
    assert [line["step"] for _, line in first.lines] == [1, 2, 3]
    lines = [json.loads(text) for text in (resumed.folder / "metrics.jsonl").open()]
    assert [line for _, line in second.lines] == lines[2:]
    assert first.axes["*"] == "step" and {step for step, _ in first.lines} == {None}
    (config,) = wandb.configs
    assert config["sft.steps"] == runs.STEPS


def test_wandb_has_an_axis_of_its_own_for_a_warm_start(tracked, wandb):
    tracked("wandb", warm_start=WarmStartConfig(steps=1, fit_steps=20), steps=1).train()
    (run,) = wandb.runs
    assert run.axes["fit/*"] == "fit/done"
    phases = [line for _, line in run.lines if "fit/loss" in line or "oracles/loss" in line]
    assert [line.get("fit/done", line.get("oracles/done")) for line in phases] == [6, 20]
    assert all("step" not in line for line in phases)


def test_a_tracker_that_does_not_start_is_one_sentence(tracked, wandb, monkeypatch):
    def refuse(**options):
        raise RuntimeError("api_key not configured\nmore")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(ConfigError, match="wandb does not start: api_key not configured; set it"):
        tracked("wandb").train()


def test_a_run_that_tracks_is_the_run_that_does_not(runs, tracked, wandb):
    plain, seen = tracked(folder="plain"), tracked("wandb", folder="seen")
    plain.train()
    seen.train()
    runs.assert_same(plain, seen)


def test_names_with_commas_and_twice():
    assert Tracking.of(None, ".").names == ()
    with pytest.raises(ArgumentError, match="one of 'tensorboard', 'wandb', got 'mlflow'"):
        Tracking.of(["tensorboard, mlflow"], ".")


@needs_tensorboard
def test_a_name_given_twice_is_one_tracker():
    assert Tracking.of(["tensorboard,tensorboard", "tensorboard"], ".").names == ("tensorboard",)


@pytest.mark.parametrize("missing", ["wandb", "accelerate"])
def test_what_is_not_installed_is_said_before_a_model_is_loaded(monkeypatch, tmp_path, missing):
    specs = {name: ModuleSpec(name, None) for name in {"accelerate", "wandb"} - {missing}}
    monkeypatch.setattr(module, "find_spec", specs.get)
    monkeypatch.setattr(t2l_fast.models, "load_model", lambda *a, **k: pytest.fail("loaded"))
    monkeypatch.setattr(t2l_fast.encoders, "load_encoder", lambda name: pytest.fail("loaded"))
    out = tmp_path / "out"
    with pytest.raises(MissingPackage, match=f"not installed: pip install {missing}"):
        Tracking(["wandb"], out)
    for name, *more in (("sft",), ("oracles",), ("recon", "--library", "x")):
        command = [name, str(out), *more]
        result = CliRunner().invoke(cli.app, ["train", *command, "--track", "wandb"])
        assert isinstance(result.exception, MissingPackage)
    assert not out.exists()
