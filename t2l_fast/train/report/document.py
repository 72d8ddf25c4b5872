"""HTML of a report: sections of tables and plots in one page with nothing to load."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from t2l_fast.version import __version__

if TYPE_CHECKING:
    from t2l_fast.train.report.plots import Plot

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class Section:
    """A heading above a table, or above plots.

    Fields:
        heading: its title, plain text.
        rows: label → cells of the table, plain text.
        heads: names of the columns, that of the labels among them; empty = no head.
        plots: pictures; there is no table then.
        open: whether a section that folds starts open; None = it does not fold.
    """

    heading: str
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    heads: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    open: bool | None = None


def document(title: str, status: str, sections: Sequence[Section]) -> str:
    """Return a whole page, every text in it escaped.

    Args:
        title: of the page, plain text.
        status: the line below it; empty = none.
        sections: from top to bottom.
    """
    environment = Environment(
        loader=PackageLoader("t2l_fast.train.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = _base64
    return environment.get_template(_TEMPLATE).render(
        title=title, status=status, sections=sections, version=__version__
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
