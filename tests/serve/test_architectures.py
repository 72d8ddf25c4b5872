"""Every family of models is answered as it answers itself, or refused with the reason."""

import re

import pytest

from tests.serve.families import CLOSE, FAMILIES, PAGE, run

PATHS = {
    "Llama": "paged",
    "GPT-2": "paged",
    "BLOOM": "padded",
    "GPT-J": "padded",
    "MPT": "padded",
    "Gemma 2": "paged",
    "gpt-oss": "paged",
    "Jamba": "padded",
    "Qwen3.5": "padded",
    "DeepSeek-V3": "padded",
    "StableLM": "padded",
    "Mamba": "equal-length",
    "OpenAI-GPT": "recomputed",
    "T5": "refused",
}


def listed() -> dict[str, str]:
    """Family → path, as the page has them."""
    rows = re.findall(r"^\| ([^|]+) \| \w+ \| (\S+) \|", PAGE.read_text(), re.M)
    return dict(rows[1:])  # the first one is the header


@pytest.mark.parametrize("name", PATHS)
def test_representative_families(name):
    found = run(name)
    assert found.path == PATHS[name]
    assert found.path == "refused" or found.deviation < CLOSE
    assert found.reason or found.path == "paged"


def test_the_page_lists_all_families():
    rows = listed()
    assert set(rows) == set(FAMILIES)
    assert len(rows) >= 40
    assert {name: rows[name] for name in PATHS} == PATHS


@pytest.mark.nightly
@pytest.mark.parametrize("name", FAMILIES)
def test_no_row_of_the_page_is_wrong(name):
    found = run(name)
    assert found.path == listed()[name]
    assert found.path == "refused" or found.deviation < CLOSE
