"""What documentation claims about the code.

Each check takes a page and returns one message per false claim. tests/test_docs.py runs them.
"""

from docs.tools.claims.commands import commands, targets, variables
from docs.tools.claims.names import identifiers, names, paths
from docs.tools.claims.page import DOCS, ROOT, Page, pages
from docs.tools.claims.text import blocks, links, snippets

CHECKS = (commands, targets, variables, names, identifiers, paths, links, snippets, blocks)

__all__ = ["CHECKS", "DOCS", "ROOT", "Page", "pages"]
