"""The benchmarks' own machinery: patterns, paired rounds, and that no wrong result passes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.experiments.crossover import run as crossover
from benchmarks.gpu import generation as gpu_generation
from benchmarks.gpu import training as gpu_training
from benchmarks.ops.inputs import Inputs, Shape
from benchmarks.ops.popularity import POPULARITY, lengths
from benchmarks.ops.registry import OPS
from benchmarks.paired import merged, milliseconds
from t2l_kernel_tools.cost.head import Call
from t2l_kernels._core.roofline import CPU

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "cpu.json"


@pytest.mark.parametrize("tokens", [1, 7, 64, 1000])
@pytest.mark.parametrize("kind", POPULARITY)
def test_patterns_give_every_token_to_one_adapter(kind, tokens):
    sizes = lengths(kind, tokens)
    assert sum(sizes) == tokens and min(sizes) >= 1 and sizes == sorted(sizes, reverse=True)


def test_patterns_are_what_their_names_say():
    assert lengths("distinct", 5) == [1] * 5 and lengths("identical", 5) == [5]
    assert len(lengths("uniform", 100)) == 10 and lengths("skewed", 6) == [3, 1, 1, 1]
    first, second = lengths("zipf", 900)[:2]
    assert first / second == pytest.approx(1.5)
    with pytest.raises(ValueError, match="popularity must be one of"):
        lengths("even", 5)


@pytest.mark.parametrize("popularity", POPULARITY)
@pytest.mark.parametrize("name", OPS)
def test_every_variant_passes_its_check(name, popularity):
    op = OPS[name]
    inputs = Inputs.make(Shape(40, popularity, width=64, rank=8))
    for variant in {"torch": None} | op.peers:
        op.check(variant, inputs)


@pytest.mark.parametrize("name", OPS)
def test_a_wrong_implementation_is_not_timed(name):
    op = OPS[name]
    wrong = replace(op, peers={"wrong": lambda i: next(iter(op.peers.values()))(i) * 1.01})
    with pytest.raises(AssertionError, match="wrong: error"):
        wrong.check("wrong", Inputs.make(Shape(40, "zipf", width=64, rank=8)))


def test_checks_leave_the_inputs_as_they_were():
    inputs = Inputs.make(Shape(40, "zipf", width=64, rank=8))
    before = inputs.y.clone()
    OPS["inference"].check("torch", inputs)
    assert torch.equal(inputs.y, before)


def test_the_crossover_plot_is_drawn(tmp_path):
    points = {hidden: [1.0] * len(crossover.CHECKED) for hidden in crossover.HIDDEN}
    crossover.draw(tmp_path / "plot.png", CPU, points)
    assert (tmp_path / "plot.png").stat().st_size > 10_000


@pytest.mark.skipif(torch.cuda.is_available(), reason="small stand-ins for what a GPU times")
def test_the_gpu_sections_about_generation_check_what_they_time(monkeypatch):
    calls = tuple(Call(2, 3, 32, 16, *rows, dtype=torch.float32) for rows in ((1, 4), (4, 1)))
    assert len(gpu_generation.heads("cpu", calls, impl="torch")) == 2
    rows = gpu_generation.reconstruction("cpu", (2, 2), width=40, impl="torch")
    assert [row["loss"] for row in rows] == ["L1", "L2"]
    wrong = gpu_generation.head_into_slots

    def shifted(*args, out, **options):
        wrong(*args, out=out, **options)
        out.add_(0.01)

    monkeypatch.setattr(gpu_generation, "head_into_slots", shifted)
    with pytest.raises(AssertionError, match="wrong numbers"):
        gpu_generation.heads("cpu", calls, impl="torch")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a small stand-in for what a GPU does")
def test_the_gpu_section_about_training_compares_losses(monkeypatch):
    (row,) = gpu_training.training("cpu", gpu_training.SMALL)
    assert row["loss beside a CPU's"] == row["after a kill"] == 0.0
    assert row["bf16 step"]["seconds"] > 0
    real = gpu_training._losses
    for place in ("killed", "cpu:0"):

        def losses(folder, *args, place=place, **options):
            found = real(folder, *args, **options)
            return [1.1 * loss for loss in found] if folder.name == place else found

        monkeypatch.setattr(gpu_training, "_losses", losses)
        with pytest.raises(AssertionError, match="differ"):
            gpu_training.training("cpu", gpu_training.SMALL)


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
@pytest.mark.slow
def test_the_gpu_session_says_so_without_a_gpu():
    script = ROOT / "benchmarks" / "gpu" / "session.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "no GPU here: nothing was run" in done.stdout


def test_a_benchmark_run_saves_ratios_shapes_and_versions(tmp_path):
    """The user's command, at one small size; the file of results in the checkout stays as it is."""
    pytest.importorskip("pytest_benchmark")
    before = RESULTS.read_bytes()
    saved, rows = tmp_path / "saved.json", tmp_path / "rows.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-only"]
    command += [f"--benchmark-json={saved}", f"--rows={rows}", "-k", "64-64"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST")}
    script = "benchmarks/ops/bench_basis.py"
    subprocess.run([*command, script], cwd=ROOT, env=env, check=True, timeout=300)
    (run,) = json.loads(saved.read_text())["benchmarks"]
    assert run["stats"]["rounds"] == 11
    assert set(run["extra_info"]["milliseconds"]) == {"cores", "materialised"}
    (row,) = run["extra_info"]["rows"]
    assert row["state"] == pytest.approx(64 / 4096, abs=1e-4) and "h 64" in row["shape"]
    assert {"device", "dtype", "torch"} <= set(run["extra_info"]["where"])
    assert [kept["what"] for kept in json.loads(rows.read_text())] == [row["what"]]
    assert RESULTS.read_bytes() == before


def test_variants_take_turns_in_alternating_order():
    calls: list[str] = []
    variants = {name: (lambda name=name: calls.append(name)) for name in "ab"}
    times = milliseconds(variants, rounds=3)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab" and set(times) == {"a", "b"}


def test_new_rows_take_the_place_of_old_ones():
    old = [{"what": "x", "shape": "1", "measured": "a"}, {"what": "y", "shape": "1"}]
    new = [{"what": "x", "shape": "1", "measured": "b"}]
    assert merged(old, new, {"torch": "2"}) == [
        {"what": "x", "shape": "1", "measured": "b", "where": {"torch": "2"}},
        {"what": "y", "shape": "1"},
    ]
