"""The token cache: the same rows as without it, made once, and again when anything differs."""

import shutil

import pytest

from t2l_fast.errors import CacheError
from t2l_fast.tasks import Example, Prompt
from t2l_fast.train import OracleConfig, read_library, train_library
from t2l_fast.train.data import collator as data
from t2l_fast.train.data import token_cache
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.token_cache import TokenCache

pytest.importorskip("datasets", reason="the token cache needs datasets")


@pytest.fixture
def made(monkeypatch):
    """Inputs of the examples that were tokenised for the cache, in order."""
    seen, sides = [], Prompt.sides

    def counted(prompt, examples):
        seen.extend(example.input for example in examples)
        return sides(prompt, examples)

    monkeypatch.setattr(Prompt, "sides", counted)
    return seen


@pytest.fixture
def cache(tiny, tasks, tmp_path):
    def make(prompt=None, tasks=tasks, max_tokens=512, folder="tokens"):
        prompt = prompt or Prompt(tiny.tokenizer())
        return TokenCache(prompt, tasks, max_tokens=max_tokens, folder=tmp_path / folder)

    return make


def count(tasks) -> int:
    return sum(len(task.train) for task in tasks)


@pytest.mark.parametrize("max_tokens", [512, 4])
def test_rows_are_those_without_a_cache(tiny, tasks, cache, max_tokens):
    long = tiny.task("long/one", {"a b c d": "e f g h", "[]": "{}"})
    framed = Example("a", "b", system="Be brief.", prefill="It is")
    tasks = [*tasks, long, tiny.task("framed/one", {"x": "y"}, train=(framed,))]
    prompt = Prompt(tiny.tokenizer())
    plain = Collator(prompt, max_tokens=max_tokens)
    known = cache(prompt, tasks, max_tokens)
    cached = Collator(prompt, max_tokens=max_tokens, known=known)
    for slot, task in enumerate(tasks):
        for example in task.train:
            assert known.get(example) is not None
            row = cached.row(slot, example)
            assert row == plain.row(slot, example)
            assert {type(token) for token in row.ids} == {int}
            assert cached.row(slot, example, "Do it.") == plain.row(slot, example, "Do it.")
    assert known.get(Example("never", "seen")) is None
    assert cached.row(0, Example("never", "seen")) == plain.row(0, Example("never", "seen"))


def test_the_second_time_nothing_is_tokenised(tasks, cache, made):
    first = cache()
    assert len(made) == count(tasks)
    made.clear()
    second = cache()
    assert made == []
    for task in tasks:
        assert [second.get(e) for e in task.train] == [first.get(e) for e in task.train]


def other_token(tiny):
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["please"])
    return Prompt(tokenizer)


def other_end(tiny):
    tokenizer = tiny.tokenizer()
    tokenizer.eos_token = "<pad>"
    return Prompt(tokenizer)


def chat(tiny):
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = "{{ messages[-1].content }}"
    return Prompt(tokenizer, None)


PROMPTS = {
    "another tokenizer": other_token,
    "another end": other_end,
    "another template": lambda tiny: Prompt(tiny.tokenizer(), "{input} ="),
    "a chat": chat,
}


@pytest.mark.parametrize("name", PROMPTS)
def test_another_prompt_tokenises_again(name, tiny, tasks, cache, made):
    cache()
    made.clear()
    cache(PROMPTS[name](tiny))
    assert len(made) == count(tasks)
    made.clear()
    cache()
    cache(PROMPTS[name](tiny))
    assert made == []


def test_another_length_tokenises_again(tasks, cache, made):
    cache()
    cache(max_tokens=3)
    assert len(made) == 2 * count(tasks)


def test_what_a_template_reads_elsewhere_tokenises_again(tiny, tasks, cache, made, monkeypatch):
    """Some chat templates tell the date."""
    prompt, day = chat(tiny), "Monday"
    plain = prompt.tokenizer.apply_chat_template
    monkeypatch.setattr(
        prompt.tokenizer, "apply_chat_template", lambda *a, **k: f"{day} {plain(*a, **k)}"
    )
    cache(prompt)
    cache(prompt)
    assert len(made) == count(tasks)
    day = "Tuesday"
    cache(prompt)
    assert len(made) == 2 * count(tasks)


def test_only_a_task_that_changed_is_tokenised_again(tiny, tasks, cache, made):
    cache()
    made.clear()
    changed = tiny.task(tasks[1].name, {"a": "new", "b": "newer"})
    known = cache(tasks=[tasks[0], changed, *tasks[2:]])
    assert made == ["a", "b"]
    assert known.get(changed.train[0]) is not None
    cache(tasks=tasks[::-1])
    assert made == ["a", "b"]


def test_padding_and_cutting_before_change_nothing(tiny, tasks, cache, made):
    cache()
    made.clear()
    prompt = Prompt(tiny.tokenizer())
    prompt.tokenizer(["a", "a b c"], padding=True, truncation=True, max_length=2)
    cache(prompt)
    assert made == []


def test_tasks_without_training_examples_are_passed_over(tiny, tasks, cache):
    held = tiny.task("held/out", {"q": "r"}, train=())
    assert len(cache(tasks=[held, tasks[0]])) == len(tasks[0].train)
    assert len(cache(tasks=[held])) == 0


def test_many_examples_are_tokenised_in_parts(tiny, cache, monkeypatch):
    monkeypatch.setattr(token_cache, "_AT_ONCE", 5)
    task = tiny.task("many/one", {f"input {n}": f"{n}" for n in range(13)})
    plain, known = Collator(Prompt(tiny.tokenizer())), cache(tasks=[task])
    for example in task.train:
        row = plain.row(0, example)
        assert known.get(example) == (row.ids, row.prompt_length)


def test_a_run_is_the_same_with_and_without(runs, trainer, tmp_path, made, monkeypatch):
    def never(*args):
        raise AssertionError("a training example was tokenised past the cache")

    cached, plain = trainer("cached", token_cache=tmp_path / "tokens"), trainer("plain")
    cached.train()
    made.clear()
    again = trainer("again", token_cache=tmp_path / "tokens")
    with monkeypatch.context() as patch:
        patch.setattr(data, "tokenised", never)
        again.train()
    assert made == []
    plain.train()
    runs.assert_same(cached, plain)
    runs.assert_same(again, plain)


def test_a_description_in_the_prompt_goes_past_the_cache(runs, trainer, tmp_path):
    cached, plain = (
        trainer(folder, token_cache=tokens, description_in_prompt=True)
        for folder, tokens in (("cached", tmp_path / "tokens"), ("plain", None))
    )
    for made in (cached, plain):
        made.train()
    runs.assert_same(cached, plain)
    assert not (tmp_path / "tokens").exists()


def test_task_loras_are_the_same_with_and_without(tiny, tasks, tmp_path):
    import torch

    import t2l_fast as t2l

    lora = t2l.LoraConfig(("q_proj", "v_proj"), 4, 4)
    config = OracleConfig(steps=2, tasks_at_once=3)
    for folder, tokens in (("cached", tmp_path / "tokens"), ("plain", None)):
        prompt = Prompt(tiny.tokenizer())
        train_library(
            tiny.model(), prompt, tasks, lora, config, tmp_path / folder, token_cache=tokens
        )
    there, here = (read_library(tmp_path / f).adapters.parameters() for f in ("cached", "plain"))
    assert all(torch.equal(a, b) for a, b in zip(there, here, strict=True))


def test_a_folder_that_is_a_file_is_refused(cache, tmp_path):
    (tmp_path / "tokens").write_text("x")
    with pytest.raises(CacheError, match="tokens can't be used: .*name another"):
        cache()


def test_a_damaged_file_is_refused(tasks, cache, tmp_path):
    cache()
    for file in (tmp_path / "tokens").rglob("*.arrow"):
        file.write_bytes(b"not arrow")
    with pytest.raises(CacheError, match="remove the folder"):
        cache()
    shutil.rmtree(tmp_path / "tokens")
    assert len(cache()) > 0
