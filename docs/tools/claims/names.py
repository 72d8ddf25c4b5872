"""Names that import, identifiers that stand in the code, and files that exist."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache

from docs.tools.claims.page import ROOT, SNIPPET, Page

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


_DOTTED = re.compile(r"\b(?:t2l_fast|t2l_kernels|t2l_kernel_tools)(?:\.\w+)+")
_IDENTIFIER = re.compile(r"\b(?:[a-z]+_\w+|[A-Z]\w*[a-z]\w*[A-Z]\w*)\b")
"""What has an underscore or a capital within: other words may be anything."""
_PATH = re.compile(rf"(?<![\w/.<{{-])(?:{'|'.join(FOLDERS)})/[\w./-]+\.(?:py|md|ya?ml|json|toml)\b")


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
    """Check that dotted names import, and what Python blocks import or take from `t2l`."""
    named = set(_DOTTED.findall(page.text))
    for block in page.blocks("python"):
        try:
            tree = ast.parse(SNIPPET.sub("", block))
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
    """Check that identifiers in inline code stand somewhere in the code."""
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
    """Check that files of the checkout that prose names exist."""
    text = re.sub(r"\]\([^)]*\)", "]", page.text)
    named = sorted(set(_PATH.findall(text)))
    return [f"{n}: no such file" for n in named if not any((ROOT / p / n).exists() for p in PLACES)]
