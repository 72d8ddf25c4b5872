"""What mkdocs calls while it builds the site: pages written then, and pages that nav omits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMMANDS = "commands.md"
COPIED = {
    "changelog.md": "CHANGELOG.md",
    "developers/contributing.md": "CONTRIBUTING.md",
    "developers/design.md": "DESIGN.md",
}
"""Page of the site → file at the root, whose links are written for there."""


def copied(page: str) -> str:
    """Return a root file's text with links that hold on its page of the site."""
    up = "../" * page.count("/")
    text = (ROOT / COPIED[page]).read_text(encoding="utf-8").replace("](docs/", f"]({up}")
    for other, file in COPIED.items():
        text = text.replace(f"]({file}", f"]({up}{other}")
    return text


def completed(nav: list[Any]) -> list[Any]:
    """Append to each section the pages of its folder that it omits, in the order of their names."""
    for section in nav:
        entries = next(iter(section.values()))
        if not isinstance(entries, list):
            continue
        listed = [e if isinstance(e, str) else next(iter(e.values())) for e in entries]
        folders = {str(Path(page).parent) for page in listed} - {"."}
        for folder in sorted(folders):
            files = sorted((DOCS / folder).glob("*.md"))
            pages = [path.relative_to(DOCS).as_posix() for path in files]
            entries += [page for page in pages if page not in listed]
    return nav


def on_config(config: Any) -> Any:
    """Complete the navigation (mkdocs calls it)."""
    config["nav"] = completed(config["nav"])
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are no files of docs/ (mkdocs calls it)."""
    from mkdocs.structure.files import File

    for folder in (ROOT, ROOT / "kernels"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    from docs.tools.commands_page import page as commands

    pages = {COMMANDS: commands()} | {page: copied(page) for page in COPIED}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files
