"""The content: no word in two categories, no pool with a word twice, labels that recur."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import suite
from benchmarks.suite.families.code.tasks import ADJECTIVES
from benchmarks.suite.families.extract.sentences import PARTS
from benchmarks.suite.families.labels.tasks import (
    GENERAL_LABELS,
    PATTERNED,
    labelled_sentences,
    labels_of,
)
from benchmarks.suite.families.pick_category.tasks import BROAD_CLASHES, broad_categories
from benchmarks.suite.families.relations.pairs import own_pairs
from benchmarks.suite.families.relations.tasks import RELATIONS
from benchmarks.suite.shared.categories import (
    CATEGORIES,
    FURTHER_CATEGORIES,
    FURTHER_CLASHES,
    common_words,
)


def test_every_content_file_is_named_by_the_code_that_reads_it() -> None:
    root = Path(suite.__path__[0])
    code = {
        folder: "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
        for folder in (root, *(file.parent for file in root.glob("**/__init__.py")))
    }
    files = [*root.glob("**/*.toml"), *root.glob("**/*.csv")]
    assert len(files) > 100
    assert [f for f in files if f'"{f.name}"' not in code[f.parent] + code[root]] == []


def test_no_word_stands_in_two_categories() -> None:
    seen = Counter(word.lower() for own in CATEGORIES.values() for word in own.words)
    assert [word for word, times in seen.items() if times > 1] == []


@pytest.mark.parametrize("name", CATEGORIES)
def test_every_category_has_enough_plain_words(name: str) -> None:
    words = CATEGORIES[name].words
    assert 18 <= len(words) <= 26
    assert all(word.isascii() and word.isalpha() for word in words)


def test_the_common_words_are_the_lower_case_category_words() -> None:
    words = common_words()
    lower = {w for own in CATEGORIES.values() for w in own.words if w == w.lower()}
    assert len(words) == len(set(words))
    assert set(words) == lower


def test_the_first_common_words_come_from_different_categories() -> None:
    home = {word: name for name, own in CATEGORIES.items() for word in own.words}
    first = [home[word] for word in common_words()[:25]]
    assert len(set(first)) == len(first)


def test_no_adjective_or_name_is_doubled() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES) == 60
    names = PARTS.fields["name"]
    assert len(set(names)) == len(names) == 60


def test_no_adjective_is_a_category_word() -> None:
    assert not set(ADJECTIVES) & set(common_words())


def test_no_word_stands_in_two_further_categories() -> None:
    seen = Counter(word.lower() for own in FURTHER_CATEGORIES.values() for word in own.words)
    assert [word for word, times in seen.items() if times > 1] == []
    assert all(len(own.words) >= 15 for own in FURTHER_CATEGORIES.values())


def test_every_category_is_named_in_three_ways_of_its_own() -> None:
    named = [*CATEGORIES.values(), *FURTHER_CATEGORIES.values(), *broad_categories().values()]
    phrases = [phrase for own in named for phrase in own.phrases]
    assert {len(own.phrases) for own in named} == {3}
    assert len(set(phrases)) == len(phrases)


def test_clashes_name_known_kinds_and_broad_categories() -> None:
    assert {name for group in FURTHER_CLASHES for name in group} <= FURTHER_CATEGORIES.keys()
    assert {name for group in BROAD_CLASHES for name in group} <= broad_categories().keys()


def test_broad_categories_that_share_a_word_are_never_asked_about_together() -> None:
    known = broad_categories()
    sharing = [
        {a, b} for a in known for b in known if a < b and {*known[a].words} & {*known[b].words}
    ]
    assert all(any(pair <= group for group in BROAD_CLASHES) for pair in sharing)


@pytest.mark.parametrize("table", ["relations.csv", "associations.csv", "places.csv"])
def test_every_relation_of_a_table_has_phrases_and_at_least_thirty_pairs(table) -> None:
    pairs = own_pairs(table)
    assert pairs.keys() <= RELATIONS.keys()
    assert {name: len(own) for name, own in pairs.items() if len(own) < 30} == {}


def test_each_sentence_has_one_distinction_and_both_labels_are_alike_in_number() -> None:
    held = {name: labelled_sentences(name) for name in PATTERNED}
    sentences = [text for texts in held.values() for text in texts]
    assert len({*sentences}) == len(sentences)
    for name, texts in held.items():
        assert 0.4 < sum(texts.values()) / len(texts) < 0.6, name


def test_labels_of_no_distinction_in_particular_recur() -> None:
    used = Counter(pair for name in PATTERNED for pair in labels_of(name))
    assert min(used[pair] for pair in GENERAL_LABELS) >= 3
    for name in PATTERNED:
        assert len({*labels_of(name)}) == len(labels_of(name)), name
