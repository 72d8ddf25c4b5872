"""Jobs start, end, stop, fail and resume on their own."""

import json
from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.train.adapters.record import CHECKPOINTS, FILE, read_record
from t2l_fast.train.report import write_report

LEARNS = dict(
    targets=("q_proj", "v_proj", "down_proj"),
    epochs=30,
    batch=6,
    learning_rate=2e-2,
    schedule="constant",
)


class Stop(Exception):
    pass


def stop_at(round_: int):
    def on_step(line):
        if line["round"] == round_:
            raise Stop

    return on_step


def lines(folder, name: str) -> list[dict]:
    text = (folder / "adapters" / name / "metrics.jsonl").read_text()
    return [
        {k: v for k, v in json.loads(line).items() if not k.startswith("seconds")}
        for line in text.splitlines()
    ]


@pytest.mark.slow
def test_a_queue_of_jobs_learns_what_each_was_given(tiny, multi):
    model = tiny.taught()
    before, parts = tiny.state(model), tiny.parts(model)
    jobs = [multi.job(f"shift-{by}", by, **LEARNS) for by in range(2, 7)]
    seen = []
    results = multi.train(jobs, model=model, slots=2, on_step=seen.append)
    assert {r.status for r in results.values()} == {"done"}
    losses = [r.loss for r in results.values() if r.loss is not None]
    assert len(losses) == 5 and max(losses) < 1.0  # 2.5 is guessing
    assert max(line["running"] for line in seen) == 2 and seen[0]["waiting"] == 3
    assert [seen[-1][k] for k in ("step", "of", "ended")] == [300, 300, 5]
    assert tiny.parts(model) == parts
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert not (multi.folder / CHECKPOINTS).exists()
    with pytest.raises(CheckpointError, match="holds jobs.json already: resume that run, or"):
        multi.train(jobs)


def test_peft_reads_what_was_trained(tiny, multi):
    import peft

    multi.train([multi.job("a", 3, **LEARNS)])
    adapted = peft.PeftModel.from_pretrained(tiny.taught(), multi.folder / "adapters" / "a")
    tokenizer = tiny.tokenizer()
    ids = torch.tensor([tokenizer("Input: a\nOutput: ").input_ids])
    answer = adapted(input_ids=ids).logits[0, -1].argmax()
    assert tokenizer.decode(answer) == tiny.shift(3)["a"]


@pytest.mark.parametrize(
    "end",
    [5, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4, 9))],
    ids="after round {}".format,
)
def test_a_run_that_was_cut_short_goes_on_bit_by_bit(multi, end):
    jobs = [
        *multi.different(),
        multi.job("measured", 8, held_out=0.25, dropout=0.2),
    ]
    multi.train(jobs, "whole", slots=3, save_every=2)
    with pytest.raises(Stop):
        multi.train(jobs, slots=3, save_every=2, on_step=stop_at(end))
    multi.train(jobs, slots=3, save_every=2, resume=True)
    whole = multi.folder.parent / "whole"
    for job in jobs:
        for name, tensor in multi.trained(job.name, "whole").items():
            assert torch.equal(multi.trained(job.name)[name], tensor), (job.name, name)
        assert lines(multi.folder, job.name) == lines(whole, job.name)
    assert read_record(multi.folder).entries == read_record(whole).entries
    rounds = [json.loads(t)["round"] for t in (multi.folder / "metrics.jsonl").open()]
    assert rounds == list(range(1, len(rounds) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["a job's checkpoint", "the record"])
def test_a_kill_while_it_saves_leaves_the_save_before(multi, monkeypatch, moment):
    from t2l_fast.train.adapters import record, running

    jobs = multi.different()[:3]
    multi.train(jobs, "whole", save_every=2)
    module, name = {
        "a job's checkpoint": (running, "save_run"),
        "the record": (record, "replace_files"),
    }[moment]
    real, calls = getattr(module, name), []

    def killed(*args, **kwargs):
        calls.append(name)
        if len(calls) == 5:  # the second of the second save, and the record after the third
            raise Stop
        real(*args, **kwargs)

    monkeypatch.setattr(module, name, killed)
    with pytest.raises(Stop):
        multi.train(jobs, save_every=2)
    monkeypatch.undo()
    assert read_record(multi.folder).rounds == (2 if moment != "the record" else 6)
    multi.train(jobs, resume=True, save_every=2)
    for job in jobs:
        for part, tensor in multi.trained(job.name, "whole").items():
            assert torch.equal(multi.trained(job.name)[part], tensor)


def test_new_jobs_wait_behind_those_of_a_resumed_run(multi):
    jobs = [multi.job("a", 2), multi.job("b", 3)]
    multi.train(jobs)
    kept = (multi.folder / "adapters/a/adapter_model.safetensors").stat().st_mtime_ns
    results = multi.train([*jobs, multi.job("c", 4)], resume=True)
    assert [r.status for r in results.values()] == ["done"] * 3
    assert (multi.folder / "adapters/a/adapter_model.safetensors").stat().st_mtime_ns == kept


def test_a_resumed_run_must_be_of_the_same_jobs(tiny, multi):
    jobs = [multi.job("a", 2), multi.job("b", 3, epochs=1)]
    with pytest.raises(Stop):
        multi.train(jobs, save_every=1, on_step=stop_at(4))
    first = jobs[0]
    other = {
        "job 'a': .*learning_rate: 0.01 there, 0.02 now": replace(first, learning_rate=2e-2),
        "job 'a': .*lora.rank: 4 there, 8 now": multi.job("a", 2, rank=8),
        "job 'a': .*data: ": replace(first, data=multi.rows(3)),
    }
    for message, changed in other.items():
        with pytest.raises(CheckpointError, match=message):
            multi.train([changed, jobs[1]], resume=True)
    with pytest.raises(CheckpointError, match="job 'a' runs in .*, but is not among the jobs"):
        multi.train(jobs[1:], resume=True)
    with pytest.raises(CheckpointError, match="dtype: 'torch.float32' there, 'torch.float64' now"):
        multi.train(jobs, model=tiny.taught().double(), resume=True)
    with pytest.raises(CheckpointError, match="no run to resume"):
        multi.train(jobs, "elsewhere", resume=True)
    multi.train(jobs, resume=True)


def test_a_job_stops_early_and_keeps_its_best_adapter(multi):
    """Trained on one shift and measured on another, it only gets worse."""
    constant = dict(schedule="constant", warmup_fraction=0.0)
    measured_on = dict(held_out=multi.rows(5), patience=2, eval_every=3)
    wrong = multi.job("wrong", 2, epochs=30, learning_rate=3e-2, **constant, **measured_on)
    results = multi.train([wrong, multi.job("other", 3, epochs=12)])
    stopped = results["wrong"]
    assert stopped.status == "stopped" and results["other"].status == "done"
    measured = [line for line in lines(multi.folder, "wrong") if "held_out_loss" in line]
    losses = [line["held_out_loss"] for line in measured]
    assert [line["step"] for line in measured] == list(range(3, stopped.step + 1, 3))
    assert stopped.held_out_loss == min(losses)
    assert losses.index(min(losses)) == len(losses) - 3
    assert stopped.best_step == measured[-3]["step"] < stopped.step
    # the adapter is the one of that step
    short = replace(wrong, max_steps=stopped.best_step, patience=0, held_out=0.0)
    multi.train([short], "short")
    for name, tensor in multi.trained("wrong").items():
        other = multi.trained("wrong", "short")[name]
        torch.testing.assert_close(tensor, other, rtol=1e-3, atol=1e-4)


def test_a_job_that_diverges_fails_alone(tiny, multi):
    good = [multi.job("good", 2), multi.job("later", 4)]
    bad = multi.job("bad", 3, learning_rate=1e30, clip_norm=None, weight_decay=1.0)
    results = multi.train([good[0], bad, good[1]], slots=2)
    assert results["bad"].status == "failed"
    assert "not finite at step" in results["bad"].reason
    assert not (multi.folder / "adapters/bad/adapter_model.safetensors").exists()
    multi.train(good, "alone", slots=1)
    for job in good:
        assert results[job.name].status == "done"
        for name, tensor in multi.trained(job.name).items():
            other = multi.trained(job.name, "alone")[name]
            torch.testing.assert_close(tensor, other, rtol=1e-3, atol=1e-4)


BAD = {
    "job 'bad': targets: target module 'no_proj' is not in LlamaForCausalLM": dict(
        targets=("no_proj",)
    ),
    "job 'bad': data: nowhere.jsonl can't be read: No such file": dict(data="nowhere.jsonl"),
    "job 'bad': data, row 2: a row must have messages, or prompt and completion": dict(
        data=[{"text": "a"}, {"question": "b"}]
    ),
    "job 'bad': data, row 1: messages need a tokenizer with a chat template": dict(
        data=[{"messages": [{"role": "user", "content": "a"}]}]
    ),
    "job 'bad': data must leave at least one row to go by, got 0": dict(data=[]),
    "job 'bad': data must leave at least one row .* raise max_length": dict(max_length=2),
    "job 'bad': data: columns names 'answer', which the row lacks": dict(
        columns={"completion": "answer"}
    ),
    "job 'bad': data must leave at least one row": dict(data=[{"text": "ab"}], held_out=0.5),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_job_stops_before_anything_starts(multi, message):
    jobs = [multi.job("good", 2), multi.job("bad", 3, **BAD[message])]
    with pytest.raises(ConfigError, match=message):
        multi.train(jobs)
    assert not multi.folder.exists()


def test_options_name_the_job(multi):
    for message, options in {
        "job 'a': batch must be at least 1, got 0": dict(batch=0),
        "job 'a': schedule must be one of": dict(schedule="sideways"),
        "job 'a': patience=2 needs held-out rows": dict(patience=2),
        r"job 'a': held_out must be a share in \[0, 1\)": dict(held_out=1.5),
    }.items():
        with pytest.raises(ConfigError, match=message):
            multi.job("a", **options)
    for name in ("", "../up", "a/b", ".hidden", "a b"):
        with pytest.raises(ConfigError, match="a job's name must"):
            multi.job(name)
    with pytest.raises(ConfigError, match="names that differ, upper case aside, got two of 'a'"):
        multi.train([multi.job("a"), multi.job("A")])
    with pytest.raises(ConfigError, match="got none"):
        multi.train([])


@pytest.mark.slow
def test_every_job_has_metrics_and_a_place_in_the_report(multi):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    jobs = [multi.job("a", 2, held_out=0.3), multi.job("b", 3)]
    multi.train(jobs)
    measured = [line for line in lines(multi.folder, "a") if "held_out_loss" in line]
    assert len(measured) == 3
    settings = json.loads((multi.folder / "adapters/a/settings.json").read_text())
    assert settings["job"]["rows"] == 8 and settings["job"]["held_out_rows"] == 4
    page = write_report([multi.folder / "adapters" / n for n in "ab"], multi.folder)
    assert "job.learning_rate" in page.read_text() or "Settings" in page.read_text()
    assert read_record(multi.folder).entries["a"].best_step > 0
    assert (multi.folder / FILE).exists()
    assert t2l.LoraWeights.from_pretrained(multi.folder / "adapters/a").config.rank == 4


@pytest.mark.slow
def test_every_job_has_a_log_of_its_own_in_tensorboard(multi):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    multi.train([multi.job("a", 2), multi.job("b", 3, epochs=1)], tracking=["tensorboard"])
    for name, steps in (("adapters/a", 9), ("adapters/b", 3), (".", 9)):
        events = EventAccumulator(str(multi.folder / name / "tensorboard")).Reload()
        assert len(events.Scalars("loss")) == steps
