"""Imports go down the floors only: contracts in pyproject.toml, and what they can't express."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from t2l_fast.generators import kinds

pytestmark = pytest.mark.slow  # starts processes

ROOT = Path(__file__).parents[1]
TRITON_FILES = {"kernel.py"}
SEAM = {
    "DEFAULT_KIND",
    "AutoGenerator",
    "Generator",
    "GeneratorConfig",
    "Registration",
    "base",
    "kinds",
    "parts",
    "register",
    "registration",
    "registry",
}


def lint(root: Path) -> subprocess.CompletedProcess:
    """Run the contracts on a copy of the sources, or on the checkout itself."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    path = os.pathsep.join(map(str, (root, root / "kernels")))
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the sources, where violations can be planted."""
    for source in ("t2l_fast", "kernels"):
        ignore = shutil.ignore_patterns("__pycache__", "checkpoints", "*.parquet")
        shutil.copytree(ROOT / source, tmp_path / source, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        (
            "t2l_fast/adapters/slab.py",
            "def planted():\n    from t2l_fast.cli import app\n",
            "t2l_fast.adapters is not allowed to import t2l_fast.cli",
        ),
        (
            "t2l_fast/train/__init__.py",
            "import t2l_fast.serve.state\n",
            "t2l_fast.train is not allowed to import t2l_fast.serve",
        ),
        (
            "t2l_fast/serve/__init__.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    import t2l_fast.generators.planted\n",
            "t2l_fast.serve is not allowed to import t2l_fast.generators.planted",
        ),
        (
            "t2l_fast/errors.py",
            "import t2l_fast.config\n",
            "No cycles are allowed in t2l_fast.\n",
        ),
        (
            "t2l_fast/adapters/routes.py",
            "import t2l_kernels._core.checks\n",
            "t2l_fast is not allowed to import t2l_kernels._core",
        ),
    ],
    ids=["up", "across", "concrete generator", "circle", "private kernels"],
)
def test_a_planted_violation_is_caught(copy, file, line, expected):
    for planted in ("t2l_fast/generators/planted.py", "t2l_fast/serve/state.py"):
        (copy / planted).touch()
    with (copy / file).open("a") as source:
        source.write(line)
    result = lint(copy)
    assert result.returncode == 1
    assert expected in result.stdout


def test_a_module_without_a_floor_is_caught(copy):
    (copy / "t2l_fast" / "planted.py").touch()
    result = lint(copy)
    assert result.returncode == 1 and "planted" in result.stdout


@pytest.mark.parametrize("room", ["cli", "evaluate", "serve", "train"])
def test_the_upper_floors_take_the_seam_only(room):
    """A concrete generator may also be reached through a package's `__init__`."""
    base = ROOT / "t2l_fast"
    files = [*(base / room).rglob("*.py"), *base.glob(f"{room}.py")]
    assert files
    for path in files:
        for name in imports(path):
            if name.startswith("t2l_fast.generators."):
                assert name.split(".")[2] in SEAM, f"{path} imports {name}"


@pytest.mark.parametrize("room", ["cli", "evaluate", "serve", "train"])
def test_the_upper_floors_spell_no_kind(room):
    """Literals alone: docstrings may name a kind."""
    for path in (ROOT / "t2l_fast" / room).rglob("*.py"):
        assert not spelled(path.read_text()) & set(kinds()), path


def spelled(source: str) -> set[str]:
    """The words of a source's string literals, parts of f-strings among them, without docstrings.

    An expression that is a literal alone is a docstring, as of a module or an attribute.
    """
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]
    return {word for text in texts for word in re.findall(r"\w+", text)}


def test_a_spelled_kind_is_seen():
    source = '"""zhyper"""\nA = f"use {1} text_to_lora"\n"""multi_task_lora"""\nB = ("zhyper",)\n'
    assert spelled(source) & set(kinds()) == {"text_to_lora", "zhyper"}


def test_no_module_imports_the_package_it_is_in():
    """A circle through an `__init__`, which a contract among siblings does not see."""
    graph = grimp.build_graph("t2l_fast", "t2l_kernels")
    upward = [
        (module, target)
        for module in graph.modules
        for target in graph.find_modules_directly_imported_by(module)
        if module.startswith(f"{target}.") and not module.endswith(".__main__")
    ]
    assert upward == []


def test_triton_stays_in_kernel_files():
    for path in (ROOT / "kernels" / "t2l_kernels").rglob("*.py"):
        tops = {target.split(".")[0] for target in imports(path)}
        assert "triton" not in tops or path.name in TRITON_FILES, path


def test_kernels_folder_is_no_package():
    """A top-level package `kernels` would shadow Hugging Face's, which transformers imports."""
    assert not (ROOT / "kernels" / "__init__.py").exists()
