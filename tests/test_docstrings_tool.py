"""docs/tools/docstrings.py: which docstrings and names it refuses, and which it lets pass."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "docs" / "tools"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(TOOLS))  # it imports its neighbour prose.py
    try:
        spec = importlib.util.spec_from_file_location("docstrings_tool", TOOLS / "docstrings.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(TOOLS))
    return module


@pytest.fixture
def problems(tool, tmp_path):
    """What the tool says of a source text, without the file's path."""

    def check(source: str) -> list[str]:
        file = tmp_path / "file.py"
        file.write_text(source)
        return [message.removeprefix(f"{file}:") for message in tool.problems(file)]

    return check


MODULE = '"""A module."""\n'
LONG = " ".join(["word"] * 26)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x = 1\n", "1: the module has no docstring", id="module"),
        pytest.param(MODULE + "class A:\n    x = 1\n", "2: A has no docstring", id="class"),
        pytest.param(MODULE + "def f(): pass\n", "2: f has no docstring", id="function"),
        pytest.param(
            MODULE + 'class A:\n    """An A."""\n    def f(self): pass\n',
            "4: A.f has no docstring",
            id="method",
        ),
        pytest.param(
            MODULE + "if True:\n    def f(): pass\n", "3: f has no docstring", id="below an if"
        ),
        pytest.param(
            MODULE + 'def f():\n    """Returns one."""\n',
            "2: f: 'Returns' is no verb of docs/tools/verbs.txt",
            id="third person",
        ),
        pytest.param(
            MODULE + 'async def f():\n    """A thing."""\n',
            "2: f: 'A' is no verb of docs/tools/verbs.txt",
            id="noun",
        ),
        pytest.param(
            f'{MODULE}x = 1\n"""One.\n\n{LONG}.\n"""\n',
            f"5: 26 words in a sentence: {LONG[:50]}…",
            id="a constant's long sentence, at its line",
        ),
        pytest.param(
            f'{MODULE}class A:\n    """An A.\n\n    Args:\n        x: {LONG}.\n    """\n',
            f"6: 27 words in a sentence: x: {LONG[:47]}…",
            id="an argument's long sentence",
        ),
        pytest.param(
            MODULE + "kept_rows = 1\n",
            "2: the name kept_rows says nothing by 'kept' (denied_names.txt)",
            id="variable",
        ),
        pytest.param(
            MODULE + 'class _MadeUp:\n    """One."""\n',
            "2: the name _MadeUp says nothing by 'made' (denied_names.txt)",
            id="private class in camel case",
        ),
        pytest.param(
            MODULE + "def _f(*, told=1): pass\n",
            "2: the name told says nothing by 'told' (denied_names.txt)",
            id="argument",
        ),
        pytest.param(
            MODULE + "_a.found = 1\n",
            "2: the name found says nothing by 'found' (denied_names.txt)",
            id="attribute",
        ),
    ],
)
def test_a_breach_is_named_with_its_line(problems, source, expected):
    assert problems(source) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="empty file"),
        pytest.param(MODULE + "def test_it_holds(): pass\n", id="test"),
        pytest.param(MODULE + "def _f(): pass\n", id="private function"),
        pytest.param(MODULE + "class _A:\n    def f(self): pass\n", id="method of a private class"),
        pytest.param(
            MODULE + 'def f():\n    """Return g."""\n    def g(): pass\n', id="nested function"
        ),
        pytest.param(
            MODULE
            + 'class A:\n    """An A."""\n    @property\n    def x(self):\n        """One."""\n',
            id="property as a noun",
        ),
        pytest.param(
            MODULE + 'class A:\n    """An A."""\n    def __len__(self): return 1\n', id="dunder"
        ),
        pytest.param(
            MODULE + "from typing import overload\n@overload\ndef f(): ...\n", id="overload"
        ),
        pytest.param(
            MODULE + f'def f():\n    """Return it.\n\n        {LONG}\n    End.\n    """\n',
            id="a picture",
        ),
        pytest.param(
            MODULE + f'def f():\n    """Return `{LONG}`."""\n', id="code counts as one word"
        ),
        pytest.param(MODULE + "class _ModelNotFound: pass\n", id="NotFound, as errors are called"),
        pytest.param(MODULE + "maiden, foundation = 1, 2\n", id="a denied word inside a word"),
        pytest.param(MODULE + "x = _y.kept\n", id="a use is not a definition"),
    ],
)
def test_what_keeps_the_rules_passes(problems, source):
    assert problems(source) == []


def test_folders_are_searched_and_the_exit_status_tells(tool, tmp_path, capsys):
    (tmp_path / "sub").mkdir()
    good, bad = tmp_path / "good.py", tmp_path / "sub" / "bad.py"
    good.write_text(MODULE)
    assert tool.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 files: docstrings are fine\n"
    bad.write_text("x = 1\n")
    assert tool.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{bad}:1: the module has no docstring\n"


def test_nothing_to_check_is_a_mistake(tool, tmp_path):
    assert tool.main([str(tmp_path / "renamed")]) == 1
