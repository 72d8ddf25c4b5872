"""`t2l train adapters`: from jobs.yaml to PEFT folders, a report and an exit code."""

import json

import pytest

from t2l_fast import LoraWeights
from tests.cli import shell

JOBS = """
defaults: {targets: [q_proj, v_proj], rank: 2, alpha: 4, batch: 4, epochs: 2, learning_rate: 1e-2}
jobs:
  - {name: up, data: up.jsonl, held_out: 0.25}
  - {name: down, data: down.jsonl, rank: 4, targets: [down_proj]}
  - {name: last, data: up.jsonl, max_steps: 3%s}
"""


@pytest.fixture
def base(tiny, tmp_path):
    folder = tmp_path / "base"
    tiny.model().save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def jobs(tiny, tmp_path):
    for name, by in (("up", 2), ("down", 11)):
        pairs = tiny.shift(by).items()
        rows = [json.dumps({"prompt": a, "completion": b}) for a, b in pairs]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    path = tmp_path / "jobs.yaml"
    path.write_text(JOBS % "")
    return path


def test_a_file_of_jobs_becomes_adapters(base, jobs, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    command = ("train", "adapters", jobs, out, "--base", base, "--slots", 2)
    assert shell.run(monkeypatch, *command) == 0
    said = capsys.readouterr()
    assert "3 jobs: 3 done" in said.out and f"adapters: {out}" in said.out.replace("\n", "")
    assert "loading the base model" in said.err and "reading the data of jobs" in said.err
    ranks = {n: LoraWeights.from_pretrained(out / "adapters" / n) for n in ("up", "down", "last")}
    assert {name: w.config.rank for name, w in ranks.items()} == {"up": 2, "down": 4, "last": 2}
    about = json.loads((out / "adapters/up/adapter_config.json").read_text())
    assert about["base_model_name_or_path"] == str(base) and about["task_type"] == "CAUSAL_LM"
    page = (out / "report.html").read_text()
    assert "3 jobs: 3 done" in page and "Loss on held-out rows" in page and ">down<" in page
    assert shell.run(monkeypatch, *command) == 2
    assert "holds jobs.json already: resume that run" in " ".join(capsys.readouterr().err.split())
    assert shell.run(monkeypatch, *command, "--resume", "--json") == 0


def test_a_bad_key_stops_before_the_model_is_loaded(jobs, tmp_path, monkeypatch, capsys):
    jobs.write_text(JOBS % ", epoch: 3")
    out = tmp_path / "run"
    assert shell.run(monkeypatch, "train", "adapters", jobs, out, "--base", "no-such-model") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "job 'last': unknown key 'epoch': did you mean epochs?" in said
    assert not out.exists()


def test_a_failed_job_shows_in_the_exit_code(base, jobs, tmp_path, monkeypatch, capsys):
    jobs.write_text(JOBS % ", learning_rate: 1e30, clip_norm: null, weight_decay: 1")
    out = tmp_path / "run"
    assert shell.run(monkeypatch, "train", "adapters", jobs, out, "--base", base, "--json") == 1
    said = capsys.readouterr()
    assert "3 jobs: 2 done, 1 failed" in said.err and "last: loss or gradient is not" in said.err
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert lines[-1]["step"] == lines[-1]["of"] and lines[0]["running"] == 3
