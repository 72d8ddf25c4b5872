"""Run tests with the oldest and the newest release of each declared dependency.

Each release goes into a folder of its own beside the environment, in front of it on the path:
nothing of the environment changes. `versions.py NAME ...` takes these dependencies only.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import tomllib
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
CORE = ["tests", "--ignore=tests/serve"]
"""What covers a core dependency: serving names a narrower range of transformers."""
TESTS = {"serve": "tests/serve", "tasks": "tests/tasks", "text": "tests/encoders"}
"""What covers an extra."""
NEED_TORCH = {"accelerate", "peft", "sentence-transformers"}
"""Installed without their dependencies, among which is torch."""


def declared() -> list[tuple[Requirement, list[str]]]:
    """Return each requirement with the tests that cover it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    listed = [(text, CORE) for text in project["dependencies"]]
    listed += [(text, [tests]) for extra, tests in TESTS.items() for text in extras[extra]]
    listed += [(text, ["tests/train"]) for text in extras["train"]]
    pairs = [(Requirement(text), tests) for text, tests in listed]
    return [(r, tests) for r, tests in pairs if r.name != "t2l_fast"]


def ends(requirement: Requirement) -> list[str]:
    """Return the oldest and the newest allowed release, as pip reads them."""
    lower = [s.version for s in requirement.specifier if s.operator == ">="]
    return [*(f"{requirement.name}=={version}" for version in lower), str(requirement)]


def holds(release: str, tests: list[str]) -> bool:
    """Install one release into a temporary folder and run the tests with it in front."""
    name = Requirement(release).name
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
        alone = ["--no-deps"] if name in NEED_TORCH else []
        installed = subprocess.run([*pip, "--target", folder, *alone, release])
        path = os.pathsep.join((folder, str(ROOT), str(ROOT / "kernels")))
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not slow", *tests]
        return (
            installed.returncode == 0
            and not subprocess.run(
                pytest, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}
            ).returncode
        )


def main() -> int:
    wanted = set(sys.argv[1:])
    known = {requirement.name for requirement, _ in declared()}
    if wanted - known:
        print(f"expected declared dependencies, got {', '.join(sorted(wanted - known))}")
        return 2
    failed = []
    for requirement, tests in declared():
        if wanted and requirement.name not in wanted:
            continue
        for release in ends(requirement):
            print(f"== {release}: {' '.join(tests)}", flush=True)
            if not holds(release, tests):
                failed.append(release)
    print("failed:" if failed else "every release holds", *failed)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
