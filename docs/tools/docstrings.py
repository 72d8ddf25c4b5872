"""Check docstrings and names of Python files.

Usage: docstrings.py PATH [...], files or folders. Rules:
- A public module, class or function has a docstring. Private and nested ones and tests may lack it.
- A function's summary begins with a verb of verbs.txt, in the imperative. Properties are exempt.
- No sentence of a docstring has more words than one of the documentation may have (prose.py).
- No defined name contains a word of denied_names.txt as one of its parts.
Prints one `file:line: problem` per line and exits with 1 if there is any.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from prose import SENTENCE_WORDS, count_words, sentences

FOLDER = Path(__file__).parent
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
EXEMPT = {"property", "cached_property", "setter", "overload"}
SECTION = re.compile(r"(Args|Attributes|Example|Fields|Examples|Note|Raises|Returns|Yields):$")
ENTRY = re.compile(r"[\w*., ]+( \([^)]*\))?: ")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Problem = tuple[int, str]


def words_of(file: str) -> frozenset[str]:
    """Return the words of a list beside this file, `#` begins a comment."""
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines for word in line.split("#")[0].split())


VERBS, DENIED = words_of("verbs.txt"), words_of("denied_names.txt")


def undocumented(tree: ast.AST, prefix: str = "") -> Iterator[Problem]:
    """Yield public classes and functions without a docstring, and summaries without a verb."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If | ast.Try):
            yield from undocumented(node, prefix)
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith(("_", "test_")):
            continue
        name, text = prefix + node.name, ast.get_docstring(node)
        marks = {ast.unparse(mark).split("(")[0].split(".")[-1] for mark in node.decorator_list}
        if text is None and "overload" not in marks and "setter" not in marks:
            yield node.lineno, f"{name} has no docstring"
        elif text and isinstance(node, Function) and not marks & EXEMPT:
            first = text.split(maxsplit=1)[0].strip(".,:;")
            if first not in VERBS:
                yield node.lineno, f"{name}: {first!r} is no verb of docs/tools/verbs.txt"
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node, f"{name}.")


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring, those of constants and fields included."""
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.lineno, inspect.cleandoc(value.value)


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of paragraphs and sections' entries, without pictures and code."""
    start, lines, section = 0, [], False
    for number, line in enumerate([*text.split("\n"), ""]):
        indent = len(line) - len(line.lstrip())
        header = SECTION.match(line)
        picture = indent >= 4 and not section
        entry = section and indent == 4 and ENTRY.match(line.lstrip())
        if lines and (not line.strip() or header or entry or line.lstrip().startswith("- ")):
            yield start, " ".join(lines)
            lines = []
        section = bool(header) or section and (not line.strip() or indent > 0)
        if line.strip() and not header and not picture:
            start = start if lines else number
            lines.append(line.strip())


def long_sentences(tree: ast.AST) -> Iterator[Problem]:
    """Yield sentences of docstrings that are too long."""
    for line, text in docstrings(tree):
        for offset, paragraph in paragraphs(text):
            for sentence in sentences(paragraph):
                if (count := count_words(sentence)) > SENTENCE_WORDS:
                    yield line + offset, f"{count} words in a sentence: {sentence[:50]}…"


def definitions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that is defined: also arguments and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def denied_names(tree: ast.AST) -> Iterator[Problem]:
    """Yield definitions whose name has a denied word."""
    for line, name in definitions(tree):
        parts = PART.findall(re.sub("not_?found", "", name, flags=re.IGNORECASE))  # an error's name
        for part in {part.lower() for part in parts} & DENIED:
            yield line, f"the name {name} says nothing by {part!r} (denied_names.txt)"


def problems(path: Path) -> Iterator[str]:
    """Yield one message for each rule that a file breaks."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    if ast.get_docstring(tree) is None and text.strip():
        yield f"{path}:1: the module has no docstring"
    names = denied_names(tree)
    for line, problem in sorted({*undocumented(tree), *long_sentences(tree), *names}):
        yield f"{path}:{line}: {problem}"


def main(arguments: list[str]) -> int:
    """Check files and return the exit status."""
    paths = [Path(argument) for argument in arguments]
    files = [f for p in paths for f in ([p] if p.is_file() else sorted(p.rglob("*.py")))]
    messages = [message for file in files for message in problems(file)]
    print("\n".join(messages) if messages else f"{len(files)} files: docstrings are fine")
    return 1 if messages or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
