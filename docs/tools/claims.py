"""What documentation claims about the code: commands, names, paths, links, snippets.

Each check takes a page and returns one message per false claim. tests/test_docs.py runs them.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OTHERS_FLAGS = {
    "--cpu": "accelerate",
    "--minutes": "benchmarks/experiments/soak/run.py",
    "--no-deps": "pip",
    "--nproc-per-node": "torchrun",
    "--num_processes": "accelerate",
    "--quick": "t2l_kernel_tools.aot",
    "--strict": "mkdocs",
}
"""Flags of other programs, by who has them."""
OTHERS_VARIABLES = {
    "LD_PRELOAD": "the loader",
    "MALLOC_CONF": "jemalloc",
    "OMP_WAIT_POLICY": "OpenMP",
    "VLLM_CPU_OMP_THREADS_BIND": "vLLM",
}
"""Environment variables of other programs, by who reads them."""
OTHERS_NAMES = {
    "c_i": "a formula",
    "head_use_bias": "Text-to-LoRA's args.yaml",
    "retain_graph": "torch",
}
"""Identifiers of others, by whose they are."""
PLACES = ("", "t2l_fast", "kernels", "kernels/t2l_kernels")
"""Folders that paths in prose are relative to."""
FOLDERS = (
    "adapters benchmarks cli docs encoders evaluate examples generators kernels serve t2l_fast "
    "t2l_kernel_tools t2l_kernels tasks tests train"
).split()

_FENCE = re.compile(r"^([ \t]*)```(\w*)\n(.*?)^\1```", re.M | re.S)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SNIPPET = re.compile(r'^--8<-- "([^"]+)"$', re.M)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.M)
_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_VARIABLE = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?==)")
_DOTTED = re.compile(r"\b(?:t2l_fast|t2l_kernels|t2l_kernel_tools)(?:\.\w+)+")
_IDENTIFIER = re.compile(r"\b(?:[a-z]+_\w+|[A-Z]\w*[a-z]\w*[A-Z]\w*)\b")
"""What has an underscore or a capital within: other words may be anything."""
_MAKE = re.compile(r"(?:^|`)make ([a-z]+)\b", re.M)
_PATH = re.compile(rf"(?<![\w/.<{{-])(?:{'|'.join(FOLDERS)})/[\w./-]+\.(?:py|md|ya?ml|json|toml)\b")


class Page(NamedTuple):
    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        return cls(path, path.read_text(encoding="utf-8"))

    def blocks(self, *languages: str) -> list[str]:
        """Return the fenced blocks of some languages, without their indentation."""
        found = _FENCE.findall(self.text)
        return [
            re.sub(rf"^{pad}", "", body, flags=re.M) for pad, of, body in found if of in languages
        ]

    def spans(self) -> list[str]:
        """Return inline code."""
        return _SPAN.findall(_FENCE.sub("", self.text))

    def lines(self) -> list[str]:
        """Return the shell commands of fenced blocks, joined where they continue."""
        text = "\n".join(self.blocks("bash", "")).replace("\\\n", " ")
        return [line.strip() for line in text.splitlines()]


def pages() -> list[Path]:
    """Return every page whose claims must be true today; the log and CHANGELOG are history."""
    root = [ROOT / name for name in ("README.md", "DESIGN.md", "CONTRIBUTING.md")]
    return [*root, *(p for p in sorted(DOCS.rglob("*.md")) if p.name != "research-log.md")]


# commands


@cache
def _cli() -> Any:
    import typer.main

    from t2l_fast.cli import app

    return typer.main.get_command(app)


def _words(line: str) -> list[str] | None:
    """Return what follows `t2l` in a shell line, or None for another program's."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
        words = words[1:]
    if words[:1] == ["t2l"]:
        return words[1:]
    for i, pair in enumerate(pairwise(words)):
        if pair in (("-m", "t2l_fast"), ("-m", "t2l_fast.cli")):
            return words[i + 2 :]
    return None


def _command(words: list[str]) -> tuple[Any, list[str], str]:
    """Return the command that words name, the words after it, and what is wrong with it."""
    command = _cli()
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return command, [], f"no command `t2l {words[0]}` below `{command.name}`"
        command, words = command.commands[words[0]], words[1:]
    return command, words, ""


def _flags_of(command: Any) -> set[str]:
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}


@cache
def _every_flag() -> set[str]:
    def below(command: Any) -> Iterator[str]:
        yield from _flags_of(command)
        for child in getattr(command, "commands", {}).values():
            yield from below(child)

    return set(below(_cli()))


def commands(page: Page) -> list[str]:
    """Shell lines parse, with their options, values and arguments; flags in prose exist."""
    import click

    wrong = []
    for line in page.lines():
        words = _words(line)
        if words is None:
            continue
        command, rest, message = _command(words)
        if not message and not hasattr(command, "commands") and "--help" not in rest:
            try:
                command.make_context("t2l", [w for w in rest if w not in ("…", "...")])
            except click.exceptions.UsageError as error:
                message = error.format_message()
            except Exception as error:  # typer may carry a click of its own
                message = getattr(error, "message", "") or repr(error)
        if message:
            wrong.append(f"{line}: {message}")
    for span in page.spans():
        words = _words(span)
        if words is not None:
            command, rest, message = _command([w for w in words if w != "…"])
            flags = {w.split("=")[0] for w in rest if _FLAG.match(w)}
            unknown = [] if message else sorted(flags - _flags_of(command))
            wrong += [f"{span}: {message}"] if message else [f"{span}: {f}" for f in unknown]
        elif span.startswith("--"):
            known = _every_flag() | OTHERS_FLAGS.keys()
            wrong += [
                f"{flag}: no command has it" for flag in _FLAG.findall(span) if flag not in known
            ]
    return wrong


def targets(page: Page) -> list[str]:
    """Targets of make exist."""
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = _MAKE.findall(page.text)
    return [f"make {name}: no such target" for name in named if name not in known]


def variables(page: Page) -> list[str]:
    """Environment variables are read by our code, or are another program's."""
    code = "\n".join([*page.blocks("bash", ""), *page.spans()])
    named = sorted(set(_VARIABLE.findall(code)) - OTHERS_VARIABLES.keys())
    return [f"{name}: no code reads it" for name in named if name not in _sources()]


@cache
def _sources() -> str:
    files = [p for top in ("t2l_fast", "kernels") for p in (ROOT / top).rglob("*.py")]
    return "\n".join(p.read_text(encoding="utf-8") for p in (*files, ROOT / "Makefile"))


# names


def _resolves(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            fields = getattr(value, "__dataclass_fields__", {})
            if not hasattr(value, part) and part not in fields:
                return False
            value = getattr(value, part, None)
        return True
    return False


def names(page: Page) -> list[str]:
    """Dotted names import, and so does what Python blocks import or take from `t2l`."""
    named = set(_DOTTED.findall(page.text))
    for block in page.blocks("python"):
        try:
            tree = ast.parse(_SNIPPET.sub("", block))
        except SyntaxError:
            continue  # `python` says so
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("t2l_"):
                named |= {f"{node.module}.{alias.name}" for alias in node.names}
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "t2l":
                named.add(f"t2l_fast.{node.attr}")
    suffixes = {".py", ".md", ".cli"}
    named = {n for n in named if n == "t2l_fast.cli" or not any(n.endswith(s) for s in suffixes)}
    return [f"{name} can't be imported" for name in sorted(named) if not _resolves(name)]


def identifiers(page: Page) -> list[str]:
    """Identifiers in inline code stand somewhere in the code."""
    words = {word for span in page.spans() for word in _IDENTIFIER.findall(_names_in(span))}
    unknown = sorted(words - OTHERS_NAMES.keys() - _words_of_code())
    return [f"{word}: no such name in the code" for word in unknown]


def _names_in(span: str) -> str:
    """Return a span that is a name or a call, without arguments; else nothing."""
    match = re.fullmatch(r"([A-Za-z_][\w.]*)(\(.*\))?", span)
    return match[1] if match else ""


@cache
def _words_of_code() -> frozenset[str]:
    tops = ("t2l_fast", "kernels", "benchmarks", "examples", "tests")
    files = [p for top in tops for p in (ROOT / top).rglob("*.py")]
    files = [p for p in files if p.name != "test_docs.py"]  # it has names that must not exist
    text = "\n".join(p.read_text(encoding="utf-8") for p in (*files, ROOT / "pyproject.toml"))
    return frozenset(re.findall(r"\w+", text))


def paths(page: Page) -> list[str]:
    """Files of the checkout that prose names exist."""
    text = re.sub(r"\]\([^)]*\)", "]", page.text)
    named = sorted(set(_PATH.findall(text)))
    return [f"{n}: no such file" for n in named if not any((ROOT / p / n).exists() for p in PLACES)]


# the page itself


def slug(heading: str) -> str:
    """Return a heading's anchor, as Markdown's table of contents makes it."""
    text = (
        unicodedata.normalize("NFKD", heading.replace("`", "")).encode("ascii", "ignore").decode()
    )
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def links(page: Page) -> list[str]:
    """Relative links and anchors resolve."""
    wrong = []
    for target in _LINK.findall(_SPAN.sub("", _FENCE.sub("", page.text))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = page.path if not file else (page.path.parent / file).resolve()
        if file and not path.exists():
            wrong.append(f"{target}: no such file")
        elif anchor and path.suffix == ".md":
            text = _FENCE.sub("", page.text if not file else path.read_text(encoding="utf-8"))
            if anchor not in {slug(h) for h in _HEADING.findall(text)}:
                wrong.append(f"{target}: no such heading")
    return wrong


def snippets(page: Page) -> list[str]:
    """Included files exist."""
    return [f"{n}: no such file" for n in _SNIPPET.findall(page.text) if not (ROOT / n).is_file()]


def blocks(page: Page) -> list[str]:
    """Python blocks compile, and JSON blocks are JSON."""
    wrong = []
    for block in page.blocks("python"):
        try:
            compile(_SNIPPET.sub("", block), str(page.path), "exec")
        except SyntaxError as error:
            wrong.append(f"{error.msg}: {error.text}")
    for block in page.blocks("json"):
        try:
            json.loads(block)
        except ValueError as error:
            wrong.append(f"{error}: {block[:60]}")
    return wrong


CHECKS = (commands, targets, variables, names, identifiers, paths, links, snippets, blocks)
