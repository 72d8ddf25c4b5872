"""The page itself: links, snippets, and blocks that parse."""

from __future__ import annotations

import json
import re
import unicodedata

from docs.tools.claims.page import DOCS, FENCE, ROOT, SNIPPET, SPAN, Page
from docs.tools.hooks import COMMANDS, COPIED

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_WRITTEN = {DOCS / page for page in (COMMANDS, *COPIED)}
"""Pages that exist on the site only; mkdocs checks their anchors."""
_HEADING = re.compile(r"^#+ +(.+)$", re.M)


def slug(heading: str) -> str:
    """Return a heading's anchor, as Markdown's table of contents makes it."""
    text = (
        unicodedata.normalize("NFKD", heading.replace("`", "")).encode("ascii", "ignore").decode()
    )
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def links(page: Page) -> list[str]:
    """Check that relative links and anchors resolve."""
    wrong = []
    for target in _LINK.findall(SPAN.sub("", FENCE.sub("", page.text))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = page.path if not file else (page.path.parent / file).resolve()
        if file and path not in _WRITTEN and not path.exists():
            wrong.append(f"{target}: no such file")
        elif anchor and (not file or path.exists()) and path.suffix == ".md":
            text = FENCE.sub("", page.text if not file else path.read_text(encoding="utf-8"))
            if anchor not in {slug(h) for h in _HEADING.findall(text)}:
                wrong.append(f"{target}: no such heading")
    return wrong


def snippets(page: Page) -> list[str]:
    """Check that included files exist."""
    return [f"{n}: no such file" for n in SNIPPET.findall(page.text) if not (ROOT / n).is_file()]


def blocks(page: Page) -> list[str]:
    """Check that Python blocks compile and that JSON blocks are JSON."""
    wrong = []
    for block in page.blocks("python"):
        try:
            compile(SNIPPET.sub("", block), str(page.path), "exec")
        except SyntaxError as error:
            wrong.append(f"{error.msg}: {error.text}")
    for block in page.blocks("json"):
        try:
            json.loads(block)
        except ValueError as error:
            wrong.append(f"{error}: {block[:60]}")
    return wrong
