"""Imports go down the floors only, and never in a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = [
    {"attention", "bounds", "version", "errors", "config", "files", "ops", "quiet", "models"},
    {"adapters", "encoders", "tasks"},
    {"generators"},
    {"train", "serve", "evaluate", "report", "demo", "bench"},
    {"cli"},
]
FLOOR_OF = {name: level for level, names in enumerate(FLOORS) for name in names}
ALLOWED_BELOW = {"generators": FLOORS[0] | {"adapters", "encoders"}}
FIRST_UNEXPORTED = 3  # t2l_fast/__init__.py re-exports what lies below
TRITON_FILES = {"kernel.py", "aot.py", "traffic.py"}


def modules(root: Path, package: str) -> dict[str, Path]:
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, *, at_import_only: bool) -> Iterator[str]:
    """Dotted names imported by a file; blocks under TYPE_CHECKING never run."""
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += node.orelse
        elif not (at_import_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))):
            pending += ast.iter_child_nodes(node)


def upward(root: Path) -> list[str]:
    wrong = []
    for name, path in modules(root, "t2l_fast").items():
        room = name.split(".")[1] if "." in name else None
        floor = FIRST_UNEXPORTED if room is None else FLOOR_OF[room]
        for target in imports(path, at_import_only=False):
            parts = target.split(".")
            if parts[0] != "t2l_fast" or (len(parts) > 1 and parts[1] == room):
                continue
            if len(parts) < 2 or parts[1] not in FLOOR_OF:
                wrong.append(f"{name} imports {target}, which has no floor")
            elif FLOOR_OF[parts[1]] >= max(floor, 1) or (
                room in ALLOWED_BELOW and parts[1] not in ALLOWED_BELOW[room]
            ):
                wrong.append(f"{name} (floor {floor}) imports {target}")
    return wrong


def circles(root: Path, package: str) -> list[str]:
    known = modules(root, package)
    graph = {
        name: {
            target if target in known else target.rpartition(".")[0]
            for target in imports(path, at_import_only=True)
        }
        & known.keys() - {name}
        for name, path in known.items()
    }
    done: set[str] = set()
    found: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            found.append(" → ".join((*trail[trail.index(name) :], name)))
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    return found


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_every_file_has_a_floor():
    rooms = {name.split(".")[1] for name in modules(ROOT, "t2l_fast") if "." in name}
    assert rooms <= FLOOR_OF.keys()


def test_imports_go_down():
    assert upward(ROOT) == []


@pytest.mark.parametrize(
    ("root", "package"),
    [(ROOT, "t2l_fast"), (ROOT / "kernels", "t2l_kernels")],
    ids=lambda v: str(v),
)
def test_imports_have_no_circle(root, package):
    assert circles(root, package) == []


def test_kernels_know_neither_the_library_nor_triton_outside_kernel_files():
    for path in modules(ROOT / "kernels", "t2l_kernels").values():
        tops = {target.split(".")[0] for target in imports(path, at_import_only=False)}
        assert "t2l_fast" not in tops, path
        assert "triton" not in tops or path.name in TRITON_FILES, path


def test_kernels_folder_is_no_package():
    """A top-level package `kernels` would shadow Hugging Face's, which transformers imports."""
    assert not (ROOT / "kernels" / "__init__.py").exists()


def test_an_upward_import_is_caught(tmp_path):
    plant(tmp_path, {"t2l_fast/adapters/bank.py": "def f():\n    from t2l_fast.cli import app\n"})
    assert upward(tmp_path) == ["t2l_fast.adapters.bank (floor 1) imports t2l_fast.cli.app"]


def test_neighbours_on_a_floor_are_caught(tmp_path):
    plant(tmp_path, {"t2l_fast/train/loop.py": "import t2l_fast.serve.engine\n"})
    assert upward(tmp_path) == ["t2l_fast.train.loop (floor 3) imports t2l_fast.serve.engine"]


def test_the_public_init_must_not_reach_the_upper_floors(tmp_path):
    plant(tmp_path, {"t2l_fast/__init__.py": "from t2l_fast.cli import app\n"})
    assert upward(tmp_path) == ["t2l_fast (floor 3) imports t2l_fast.cli.app"]


def test_a_room_must_not_import_the_roof(tmp_path):
    plant(tmp_path, {"t2l_fast/adapters/bank.py": "import t2l_fast\n"})
    assert upward(tmp_path) == ["t2l_fast.adapters.bank imports t2l_fast, which has no floor"]


def test_generators_see_adapters_and_encoders_only(tmp_path):
    text = "import t2l_fast.adapters.weights\nimport t2l_fast.tasks.suite\n"
    plant(tmp_path, {"t2l_fast/generators/zhyper.py": text})
    assert upward(tmp_path) == ["t2l_fast.generators.zhyper (floor 2) imports t2l_fast.tasks.suite"]


def test_a_circle_through_an_init_is_caught(tmp_path):
    plant(tmp_path, {"p/__init__.py": "from p.a import x\n", "p/a.py": "from p import y\n"})
    assert circles(tmp_path, "p") == ["p → p.a → p"]


def test_a_circle_is_caught(tmp_path):
    plant(tmp_path, {"p/a.py": "from p import b\n", "p/b.py": "from p.a import x\n"})
    assert circles(tmp_path, "p") == ["p.a → p.b → p.a"]
