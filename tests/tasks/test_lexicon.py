"""The shared words: every word belongs to one category, every pool holds each word once."""

from __future__ import annotations

from collections import Counter

import pytest

from t2l_fast.tasks.lexicon import ADJECTIVES, CATEGORIES, MEMBERS, NAMES, common_words


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
