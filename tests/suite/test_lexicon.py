"""The shared words: every word belongs to one category, every pool holds each word once."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.suite.families.code.tasks import ADJECTIVES
from benchmarks.suite.families.labels.tasks import (
    GENERAL_LABELS,
    PATTERNED,
    labelled_sentences,
    labels_of,
)
from benchmarks.suite.lexicon import CATEGORIES, MEMBERS, NAMES, common_words
from benchmarks.suite.lexicon.associations import ASSOCIATIONS
from benchmarks.suite.lexicon.kinds import CLASHES, KINDS
from benchmarks.suite.lexicon.realms import REALM_CLASHES, realms
from benchmarks.suite.lexicon.sheets import sheets
from benchmarks.suite.lexicon.whereabouts import WHEREABOUTS

RELATIONS = {name: rows.split() for name, _, _, rows in sheets(ASSOCIATIONS + WHEREABOUTS)}


def test_no_word_stands_in_two_categories() -> None:
    seen = Counter(word.lower() for words in CATEGORIES.values() for word in words)
    assert [word for word, times in seen.items() if times > 1] == []


@pytest.mark.parametrize("name", CATEGORIES)
def test_every_category_has_enough_plain_words(name: str) -> None:
    words = CATEGORIES[name]
    assert 18 <= len(words) <= 26
    assert all(word.isascii() and word.isalpha() for word in words)


def test_the_common_words_are_the_lower_case_category_words() -> None:
    words = common_words()
    lower = {w for group in CATEGORIES.values() for w in group if w == w.lower()}
    assert len(words) == len(set(words))
    assert set(words) == lower


def test_the_first_common_words_come_from_different_categories() -> None:
    home = {word: name for name, words in CATEGORIES.items() for word in words}
    first = [home[word] for word in common_words()[:25]]
    assert len(set(first)) == len(first)


def test_no_adjective_or_name_is_doubled() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES) == 60
    assert len(set(NAMES)) == len(NAMES) == 60


def test_no_adjective_is_a_category_word() -> None:
    assert not set(ADJECTIVES) & set(common_words())


def test_every_category_is_named_in_three_ways_of_its_own() -> None:
    phrases = [phrase for named in MEMBERS.values() for phrase in named]
    assert MEMBERS.keys() == CATEGORIES.keys()
    assert {len(named) for named in MEMBERS.values()} == {3}
    assert len(set(phrases)) == len(phrases)


def test_no_word_stands_in_two_kinds() -> None:
    seen = Counter(word.lower() for kind in KINDS.values() for word in kind.words)
    assert [word for word, times in seen.items() if times > 1] == []
    assert all(len(kind.words) >= 15 for kind in KINDS.values())


def test_kinds_and_realms_are_named_as_no_other_category_is() -> None:
    named = [*(kind.phrases for kind in (*KINDS.values(), *realms().values())), *MEMBERS.values()]
    phrases = [phrase for own in named for phrase in own]
    assert {len(own) for own in named} == {3}
    assert len(set(phrases)) == len(phrases)


def test_clashes_name_known_kinds_and_realms() -> None:
    assert {name for group in CLASHES for name in group} <= KINDS.keys()
    assert {name for group in REALM_CLASHES for name in group} <= realms().keys()


def test_realms_that_share_a_word_are_never_asked_about_together() -> None:
    known = realms()
    sharing = [
        {a, b} for a in known for b in known if a < b and {*known[a].words} & {*known[b].words}
    ]
    assert all(any(pair <= group for group in REALM_CLASHES) for pair in sharing)


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_tells_each_word_once(name: str) -> None:
    words = [row.split("=")[0] for row in RELATIONS[name]]
    assert len(words) == len({*words}) >= 30
    assert all(row.count("=") == 1 and all(row.split("=")) for row in RELATIONS[name])


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
