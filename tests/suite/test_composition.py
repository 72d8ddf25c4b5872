"""Held-out tasks are made of parts that trained tasks have in other combinations."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.suite.families.extract.tasks import FIELDS, PAIR_FORMATS
from benchmarks.suite.families.labels.tasks import GENERAL_LABELS, PATTERNED
from t2l_fast.tasks import load_suite

pytest.importorskip("num2words", reason="the built-in suite needs t2l_fast[suite]")


@pytest.fixture(scope="module")
def parts():
    """Family → (names of trained tasks, names of held-out tasks), without the family."""
    suite = load_suite()
    families = {task.family for task in suite.train}
    return {
        family: [
            [task.name.split("/")[1] for task in tasks if task.family == family]
            for tasks in (suite.train, suite.held_out)
        ]
        for family in families
    }


def test_fields_and_separators_of_held_out_extractions_are_trained_on_elsewhere(parts):
    trained, held_out = ([name.split("-") for name in names] for names in parts["extract"])
    seen = Counter(part for name in trained for part in {*name})
    asked = {part for name in held_out for part in name if part in FIELDS or part in PAIR_FORMATS}
    assert asked
    assert {part: seen[part] for part in asked if seen[part] < 4} == {}


def test_each_field_is_trained_in_both_places_of_a_pair(parts):
    pairs = [name.split("-") for name in parts["extract"][0] if len(name.split("-")) == 3]
    for field in FIELDS:
        assert sum(name[0] == field and name[2] in PAIR_FORMATS for name in pairs) >= 2, field
        assert sum(name[1] == field and name[2] in PAIR_FORMATS for name in pairs) >= 2, field


def test_every_distinction_and_every_general_label_pair_is_trained_on(parts):
    trained = parts["labels"][0]
    for pair in GENERAL_LABELS:
        assert sum(name.endswith(f"-{'-'.join(pair).lower()}") for name in trained) >= 2, pair
    for kind in PATTERNED:
        assert sum(name.startswith(f"{kind}-") for name in trained) >= 2, kind


def test_categories_held_out_under_one_form_of_membership_have_trained_neighbours(parts):
    trained, held_out = parts["membership"]
    forms = ("-in-capitals", "-with-yes-or-no", "-in-a-sentence", "-plus-or-minus", "-or-")
    forms += ("-true-or-false", "-yes-or-no", "-in-or-out", "-or-something-else")
    for form in forms:
        assert sum(form in name for name in trained) >= 5, form
    assert any(form in name for name in held_out for form in forms)
