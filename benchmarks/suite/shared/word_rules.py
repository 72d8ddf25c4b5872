"""Rules that say what to do with a word, as `letters` and `spelling` describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, fill_templates


@dataclass(frozen=True, slots=True)
class WordRule:
    """Two phrases for templates, and a whole description to train and one to evaluate with."""

    phrases: tuple[str, str]
    sentence: str
    eval_sentence: str

    def draft(self, name: str, templates: Templates, pairs: Mapping[str, str]) -> Draft:
        """Return a draft that is described by the templates and the whole descriptions."""
        first, second = self.phrases
        return Draft(
            name,
            (*fill_templates(templates.templates, first, second), self.sentence),
            (*fill_templates(templates.eval_templates, second, first), self.eval_sentence),
            pairs,
        )
