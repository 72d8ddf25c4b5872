"""Descriptions in other words: what changes, what must stay."""

import pytest

from benchmarks.suite.draft import Draft
from benchmarks.suite.rewording import REWORDINGS, reword, words_of

SEEDS = [str(i) for i in range(60)]


def bare(text: str) -> str:
    """Without what `reworded` may put around it."""
    for opening in REWORDINGS.openings:
        text = text.removeprefix(opening)
    for closing in REWORDINGS.closings:
        text = text.removesuffix(closing)
    return text


def all_of(text: str, **options) -> set[str]:
    return {bare(reword(text, seed, **options)) for seed in SEEDS}


def test_one_seed_gives_one_wording_and_others_give_others():
    text = "Please write the word with a hyphen at the end."
    assert reword(text, "a") == reword(text, "a")
    assert len({reword(text, seed) for seed in SEEDS}) > 5


def test_every_member_of_a_group_is_met():
    assert all_of("the word in digits.") == {"the word in digits.", "the word in figures."}


def test_a_capital_stays_a_capital():
    assert all_of("Write it.") == {"Write it.", "Print it.", "Type it."}


def test_quoted_words_stay():
    assert all_of('"write" it.') == {'"write" it.'}


def test_words_of_the_answers_stay():
    text = "a hyphen or a pipe."
    assert all_of(text, keep={"hyphen", "pipe"}) == {text}


def test_some_phrases_stay():
    text = "Whatever I write, write down every other word but the last."
    assert all_of(text) == {text}


def test_parts_of_words_are_no_words():
    text = "rewrite the typewriter, pipe-like."
    assert all_of(text) == {text}


@pytest.mark.parametrize(
    "text", ["Use a period here.", "A hyphen first.", "An integer, in a hyphen"]
)
def test_articles_still_fit(text):
    for told in all_of(text):
        words = told.split()
        for article, word in zip(words, words[1:], strict=False):
            if article.lower() in ("a", "an"):
                assert (article.lower() == "an") == (word[0] in "aeiou"), told


def test_something_is_put_before_or_behind_now_and_then():
    told = [reword("Sing", seed) for seed in SEEDS]
    assert "Sing" in told
    assert any(text.startswith(REWORDINGS.openings) for text in told)
    assert any(text.endswith(REWORDINGS.closings) for text in told)


def test_no_phrase_belongs_to_two_groups():
    phrases = [phrase for group in REWORDINGS.synonyms for phrase in group]
    assert len({*phrases}) == len(phrases)


def test_a_task_has_its_own_descriptions_first_then_other_wordings_that_keep_its_labels():
    texts = tuple(f"Write hyphen or dot for case {i}, nothing else." for i in range(12))
    pairs = {str(i): "hyphen" if i % 2 else "dot" for i in range(40)}
    task = Draft("x", texts, ("Judge.",) * 4, pairs).build("f")
    assert task.descriptions[:12] == texts
    assert len(task.descriptions) > 18
    assert all("hyphen or dot" in text for text in task.descriptions)


def test_a_wording_to_evaluate_with_is_never_trained_with():
    texts = tuple(f"Write it {i} times." for i in range(12))
    unseen = tuple(
        text.replace("Write", word) for text in texts for word in ("Print", "Type", "Write")
    )
    task = Draft("x", texts, unseen[:-3] + ("Judge.",), {str(i): "y" for i in range(40)}).build("f")
    assert not {*task.descriptions[12:]} & {*task.eval_descriptions}


def test_words_are_counted_without_punctuation_and_case():
    assert words_of(["NOT a bird!", "Bird: yes"]) == {"not", "a", "bird", "yes"}
