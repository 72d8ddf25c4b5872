"""The commands under torchrun: one result, one progress, one sentence for a mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[2]
TORCHRUN = "-m torch.distributed.run --standalone --nproc-per-node 2 -m".split()
SFT = "--steps 3 --tasks-per-batch 4 --eval-every 3 --save-every 2 --latent-size 16".split()


def t2l(folder: Path, *arguments: str, launched: bool) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    env |= {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "kernels"))),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    before = TORCHRUN if launched else ["-m"]
    return subprocess.run(
        [sys.executable, *before, "t2l_fast.cli", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def prepared(tiny, tmp_path) -> list[str]:
    """A tiny base model that also encodes, and tasks, as options."""
    tiny.model().save_pretrained(tmp_path / "base")
    tiny.tokenizer().save_pretrained(tmp_path / "base")
    (tmp_path / "tasks").mkdir()
    for by in range(1, 7):
        task = {
            "name": f"shift {by}",
            "source": "written here",
            "licence": "MIT",
            "family": "shift",
            "descriptions": [f"Say the letter {by} later, {n}." for n in range(6)],
            "examples": [{"input": a, "output": b} for a, b in tiny.shift(by).items()],
        }
        (tmp_path / "tasks" / f"{by}.json").write_text(json.dumps(task))
    return ["--base", str(tmp_path / "base"), "--tasks", str(tmp_path / "tasks")]


@pytest.mark.slow
def test_torchrun_trains(prepared, tmp_path):
    encoder = f"causal:{tmp_path / 'base'}"
    brief = ["--steps", "2", "--tasks-per-batch", "4", "--latent-size", "16", "--eval-every", "0"]
    options = [*brief, *prepared, "--encoder", encoder, "--json"]
    run = t2l(tmp_path, "train", "sft", "out", *options, launched=True)
    assert run.returncode == 0, run.stderr
    assert [json.loads(text)["step"] for text in run.stdout.splitlines()] == [1, 2]
    assert run.stderr.count("written to out") == 1
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.nightly
def test_torchrun_trains_as_one_process_does(prepared, tmp_path):
    encoder = f"causal:{tmp_path / 'base'}"
    options = [*SFT, *prepared, "--encoder", encoder, "--json"]
    alone = t2l(tmp_path, "train", "sft", "one", *options, launched=False)
    assert alone.returncode == 0, alone.stderr
    both = t2l(tmp_path, "train", "sft", "two", *options, "--fsdp", launched=True)
    assert both.returncode == 0, both.stderr
    steps = [[json.loads(t)["step"] for t in run.stdout.splitlines()] for run in (alone, both)]
    assert steps[0] == steps[1] == [1, 2, 3]
    assert both.stderr.count("written to two") == 1
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, expected in one.items():
        torch.testing.assert_close(two[name], expected, rtol=1e-2, atol=2e-3)


@pytest.mark.nightly
def test_torchrun_reconstructs_as_one_process_does(prepared, tmp_path):
    base = prepared[:2]
    brief = ["--steps", "2", "--examples", "1", "--tasks-at-once", "6", "--json"]
    library = t2l(tmp_path, "train", "oracles", "library", *prepared, *brief, launched=False)
    assert library.returncode == 0, library.stderr
    encoder = ["--encoder", f"causal:{tmp_path / 'base'}", "--prompt", "compact"]
    sizes = ["--steps", "4", "--eval-every", "2", "--save-every", "2", "--latent-size", "16"]
    options = ["--library", "library", *base, *encoder, *sizes, "--head-in-size", "16", "--json"]
    alone = t2l(tmp_path, "train", "recon", "one", *options, launched=False)
    assert alone.returncode == 0, alone.stderr
    both = t2l(tmp_path, "train", "recon", "two", *options, launched=True)
    assert both.returncode == 0, both.stderr
    lines = [[json.loads(t) for t in run.stdout.splitlines()] for run in (alone, both)]
    for mine, expected in zip(*lines, strict=True):
        assert mine["loss"] == pytest.approx(expected["loss"], rel=1e-3)
    assert "shuffled_loss" in lines[1][1] and both.stderr.count("written to two") == 1
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, expected in one.items():
        torch.testing.assert_close(two[name], expected, rtol=1e-2, atol=2e-3)


@pytest.mark.nightly
def test_mistakes_are_sentences(prepared, tmp_path):
    bare = [*SFT, *prepared, "--encoder", f"causal:{tmp_path / 'base'}"]
    one = t2l(tmp_path, "train", "sft", "out", *bare, "--fsdp", launched=False)
    assert one.returncode == 2
    assert "sharding needs at least 2 processes, got 1" in " ".join(one.stderr.split())
    recon = t2l(tmp_path, "train", "recon", "out", "--library", "nowhere", launched=True)
    assert recon.returncode != 0
    assert "a library must be a library.safetensors" in " ".join(recon.stderr.split())
    assert not (tmp_path / "out").exists()
