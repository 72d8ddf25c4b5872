"""What `model` may name: descriptions, adapters, the base model."""

import threading

import torch

from tests.serve.asking import GREEDY, direct, strong


def test_a_description_in_place_of_a_name(served, tiny):
    generator = strong(tiny.generator(tiny.model()))
    server = served(generator=generator)
    client = server.openai()
    options = dict(prompt="hello", **GREEDY)
    first = client.completions.create(model="t2l:sort the words", **options)
    again = client.completions.create(model="t2l: sort the words.", **options)
    other = client.completions.create(model="t2l:count the words", **options)
    assert first.choices[0].text == again.choices[0].text != other.choices[0].text
    assert len(server.engine.bank) == 2
    (registered,) = server.engine.bank.register(texts=["sort the words"], names=["sort"])
    assert direct(server, "hello", "sort") == first.choices[0].text


def test_a_description_under_another_generator_is_another_adapter(served, tiny):
    generator = strong(tiny.generator(tiny.model()))
    server = served(generator=generator)
    client = server.openai()
    ask = dict(model="t2l:sort the words", prompt="hello", **GREEDY)
    first = client.completions.create(**ask).choices[0].text
    with torch.no_grad():
        for head in generator.heads.parameters():
            head.mul_(-2.0)
    second = client.completions.create(**ask).choices[0].text
    assert first != second
    assert len(server.engine.bank) == 2


def test_many_at_once_describe_the_same_task(served, tiny):
    server = served(generator=strong(tiny.generator(tiny.model())))
    texts = []

    def ask():
        got = server.openai().completions.create(model="t2l:do it", prompt="hello", **GREEDY)
        texts.append(got.choices[0].text)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 6
    assert len(set(texts)) == 1
    assert len(server.engine.bank) == 1


def test_models_are_listed_page_by_page(served):
    server = served(adapters=5)
    client = server.openai()
    assert [m.id for m in client.models.list()] == ["tiny", "a0", "a1", "a2", "a3", "a4"]
    assert client.models.retrieve("a3").id == "a3"
    http = server.http()
    page = http.get("/v1/models", params={"limit": 2}).json()
    assert [m["id"] for m in page["data"]] == ["tiny", "a0", "a1"]
    assert page["has_more"]
    page = http.get("/v1/models", params={"limit": 3, "after": "a1"}).json()
    assert [m["id"] for m in page["data"]] == ["a2", "a3", "a4"]
    assert not page["has_more"]
