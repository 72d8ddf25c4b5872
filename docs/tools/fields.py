"""A griffe extension: a docstring's section `Fields:` is what google style calls `Attributes:`."""

from typing import Any

import griffe


class Fields(griffe.Extension):
    """Rename the section before docstrings are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Let the renderer take `Fields:` for `Attributes:`."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("Fields:\n", "Attributes:\n")
