"""jobs.yaml: what it may hold, and errors that name the job and the key."""

import re

import pytest

from t2l_fast.errors import ConfigError
from t2l_fast.train import read_jobs

WHOLE = """
defaults: {rank: 4, alpha: 8, targets: [q_proj, v_proj], learning_rate: 2e-4, batch: 2}
jobs:
  - name: poet
    data: poet.jsonl
  - name: lawyer
    data: {path: somewhere/laws, name: small, split: "train[:100]"}
    targets: all-linear
    rank: 16
    use_rslora: true
    held_out: 0.1
    patience: 3
    betas: [0.8, 1.e-1]
    clip_norm: null
  - name: clerk
    data: [{prompt: a, completion: b}]
    held_out: other.parquet
    targets: 'model\\.layers\\.[01]\\..*_proj'
    columns: {prompt: question}
    schedule: linear
    learn: last
  - {name: judge, data: poet.jsonl, targets: o_proj}
"""


def write(tmp_path, text: str):
    path = tmp_path / "jobs.yaml"
    path.write_text(text)
    return path


def test_every_key_is_read(tmp_path):
    poet, lawyer, clerk, judge = read_jobs(write(tmp_path, WHOLE))
    assert poet.data == str(tmp_path / "poet.jsonl")
    assert (poet.lora.rank, poet.lora.alpha, poet.learning_rate, poet.batch) == (4, 8.0, 2e-4, 2)
    assert poet.lora.target_modules == ("q_proj", "v_proj") and poet.clip_norm == 1.0
    assert lawyer.data == {"path": "somewhere/laws", "name": "small", "split": "train[:100]"}
    assert lawyer.lora.target_modules == "all-linear" and lawyer.lora.use_rslora
    assert (lawyer.lora.rank, lawyer.held_out, lawyer.patience) == (16, 0.1, 3)
    assert lawyer.betas == (0.8, 0.1) and lawyer.clip_norm is None
    assert clerk.data == [{"prompt": "a", "completion": "b"}]
    assert clerk.held_out == str(tmp_path / "other.parquet") and clerk.learn == "last"
    assert clerk.lora.target_modules == r"model\.layers\.[01]\..*_proj"
    assert judge.lora.target_modules == ("o_proj",)


def test_a_folder_beside_the_file_is_meant_before_the_hub(tmp_path):
    (tmp_path / "mine").mkdir()
    text = "jobs: [{name: a, data: mine}, {name: b, data: {path: mine}}, {name: c, data: theirs}]"
    here, mapped, hub = read_jobs(write(tmp_path, text))
    assert here.data == str(tmp_path / "mine") == mapped.data["path"] and hub.data == "theirs"


ONE = "jobs: [{name: a, data: a.jsonl, %s}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE % "learningrate: 1", "job 'a': unknown key 'learningrate': did you mean learning_r"),
        (ONE % "zzz: 1", "job 'a': unknown key 'zzz': keys are alpha, batch"),
        (ONE % "rank: eight", "job 'a': rank must be a whole number, got 'eight'"),
        (ONE % "rank: 0", "job 'a': rank must be a positive integer, got 0"),
        (ONE % "batch: 1.5", "job 'a': batch must be a whole number, got 1.5"),
        (ONE % "batch: 0", "job 'a': batch must be at least 1, got 0"),
        (ONE % "learning_rate: fast", "job 'a': learning_rate must be a number, got 'fast'"),
        (ONE % "learning_rate: -1", "job 'a': learning_rate must be positive, got -1.0"),
        (ONE % "schedule: up", "job 'a': schedule must be one of 'constant', 'linear', 'cosine'"),
        (ONE % "schedule: 3", "job 'a': schedule must be a text, got 3"),
        (ONE % "targets: []", "job 'a': targets must be names of modules, got []"),
        (ONE % "betas: 0.9", "job 'a': betas must be two numbers, got 0.9"),
        (ONE % "use_rslora: maybe", "job 'a': use_rslora must be true or false, got 'maybe'"),
        (ONE % "patience: 2", "job 'a': patience=2 needs held-out rows"),
        (ONE % "held_out: true", "job 'a': held_out must be a number, got True"),
        ("jobs: [{name: a}]", "job 'a': data must name a file, a folder or a data set, got none"),
        ("jobs: [{name: a, data: 3}]", "job 'a': data must name a file, folder or data set, got 3"),
        ("jobs: [{data: a.jsonl}]", "job 1 must be a mapping with a name, a text"),
        ("jobs: [{name: a/b, data: c}]", "job 'a/b': a job's name must begin with"),
        ("jobs: []", "jobs must be a list with at least one job"),
        ("jobs: [{name: a, data: b}, {name: a, data: c}]", "got two of 'a'"),
        ("defaults: {data: x}\njobs: [{name: a}]", "defaults can't have 'data': give it to every"),
        ("defaults: {rnak: 4}\njobs: []", "defaults: unknown key 'rnak': did you mean rank?"),
        ("defaults: [1]\njobs: []", "defaults must be a mapping, got list"),
        ("- a", "must hold a mapping with jobs, got list"),
        ("base: x\njobs: []", "must have jobs and defaults alone, got 'base'"),
        ("jobs: [", "must be YAML: while parsing"),
    ],
)
def test_an_error_names_the_file_the_job_and_the_key(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(str(path))) as error:
        read_jobs(path)
    assert message in str(error.value) and str(error.value).count("job 'a':") <= 1


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match="none.yaml can't be read: No such file"):
        read_jobs(tmp_path / "none.yaml")
