"""Prompts and answers: what the base model reads, and what is read of what it writes."""

import pytest

from t2l_fast.errors import ArgumentError
from t2l_fast.tasks import Example, Prompt, answer

CHAT = (
    "{% for m in messages %}<bos>{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture
def compact(tiny):
    return Prompt(tiny.tokenizer())


@pytest.fixture
def chat(tiny):
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = CHAT
    return Prompt(tokenizer, template=None)


def test_a_template_holds_the_input(compact):
    assert compact.text("cat") == "Input: cat\nOutput:"


def test_braces_in_the_input_stay_as_they_are(compact):
    assert compact.text("{input} {0}") == "Input: {input} {0}\nOutput:"


def test_the_description_stands_in_front_of_a_template(compact):
    assert compact.text("cat", "Say it.") == "Say it.\nInput: cat\nOutput:"


def test_a_chat_template_gets_one_user_turn(chat):
    assert chat.text("cat") == "<bos>user: cat\nassistant: "


def test_the_description_stands_in_front_of_a_chat_turn(chat):
    assert chat.text("cat", "Say it.") == "<bos>user: Say it.\n\ncat\nassistant: "


FRAMED = Example("cat", "dog", system="Be brief.", prefill="It is")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chat", "<bos>system: Be brief.\n<bos>user: cat\nassistant: It is"),
        ("compact", "Be brief.\nInput: cat\nOutput: It is"),
    ],
)
def test_an_example_may_bring_a_system_message_and_a_prefill(name, text, request):
    prompt = request.getfixturevalue(name)
    assert prompt.text(FRAMED) == text
    assert prompt.text(Example("cat", "dog")) == prompt.text("cat")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chat", "<bos>system: Be brief.\n<bos>user: Say it.\n\ncat\nassistant: It is"),
        ("compact", "Be brief.\nSay it.\nInput: cat\nOutput: It is"),
    ],
)
def test_a_description_stands_between_system_message_and_input(name, text, request):
    assert request.getfixturevalue(name).text(FRAMED, "Say it.") == text


@pytest.mark.parametrize(("prefill", "text"), [("It is", " dog"), ("```\n", "dog"), ("", " dog")])
def test_one_space_parts_a_prefill_from_the_answer(compact, prefill, text):
    assert compact.tokenizer.decode(compact.answer_ids("dog", prefill)[:-1]) == text


def test_a_prefill_is_given_and_the_answer_goes_on_from_it(compact, tiny):
    """A model that says the next letter goes on from what the prefill ends with."""
    model = tiny.taught()
    plain, framed = Example("a", "b"), Example("a", "b", prefill="b")
    (first, second) = answer(model, compact, [plain, framed], max_new_tokens=4)
    assert first == answer(model, compact, ["a"], max_new_tokens=4)[0]
    assert compact.ids(framed)[: len(compact.ids(plain))] == compact.ids(plain)
    assert second != first


def test_a_chat_needs_a_chat_template(tiny):
    with pytest.raises(ArgumentError, match="needs a tokenizer with a chat template"):
        Prompt(tiny.tokenizer(), template=None)


@pytest.mark.parametrize("name", ["compact", "chat"])
def test_the_beginning_of_sequence_occurs_once(name, request):
    prompt = request.getfixturevalue(name)
    ids = prompt.ids("cat")
    assert ids[0] == prompt.tokenizer.bos_token_id
    assert ids.count(prompt.tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("name", ["compact", "chat"])
def test_an_answer_ends_with_the_end_of_sequence_and_is_read_back(name, request):
    prompt = request.getfixturevalue(name)
    ids = prompt.answer_ids("a dog")
    assert ids[-1] == prompt.tokenizer.eos_token_id
    assert ids.count(prompt.tokenizer.eos_token_id) == 1
    assert prompt.tokenizer.bos_token_id not in ids
    assert prompt.read(ids) == "a dog"


@pytest.mark.parametrize(
    ("template", "text"), [("{input} =>", " dog"), ("{input} => ", "dog"), ("{input}\n", "dog")]
)
def test_one_space_parts_a_template_from_the_answer(tiny, template, text):
    prompt = Prompt(tiny.tokenizer(), template=template)
    assert prompt.tokenizer.decode(prompt.answer_ids("dog")[:-1]) == text


def test_reading_stops_at_the_first_end_of_sequence(compact):
    ids = [*compact.answer_ids("dog"), *compact.answer_ids("cat")]
    assert compact.read(ids) == "dog"


def test_reading_stops_after_the_first_line(compact):
    ids = compact.tokenizer(" dog \nInput: cat", add_special_tokens=False).input_ids
    assert compact.read(ids) == "dog"


def test_a_chat_answer_may_have_many_lines(chat):
    ids = chat.tokenizer("dog\ncat", add_special_tokens=False).input_ids
    assert chat.read(ids) == "dog\ncat"


def test_nothing_is_read_of_an_end_of_sequence(compact):
    assert compact.read([compact.tokenizer.eos_token_id]) == ""


@pytest.mark.parametrize("answer", ["dog", " dog\n", "hound", "hound "])
def test_an_example_accepts_its_output_and_further_answers(answer):
    assert Example("cat", "dog", ("hound",)).accepts(answer)


@pytest.mark.parametrize("answer", ["", "Dog", "dogs", "d og", "cat"])
def test_an_example_accepts_nothing_else(answer):
    assert not Example("cat", "dog", ("hound",)).accepts(answer)
