"""MultiTaskLora: one adapter whatever the condition, trained and saved like any."""

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.generators import MultiTaskLora


@pytest.fixture
def multi_task(tiny):
    torch.manual_seed(4)
    made = MultiTaskLora(tiny.config("L"))
    with torch.no_grad():
        for b in made.lora_b.values():
            b.normal_(std=0.2)
    return made


def test_every_condition_gets_the_same_adapter(multi_task):
    batch = multi_task.generate(["Sort the words.", "Add the numbers.", "…"])
    assert len(batch) == 3
    for matrices in (batch.lora_a, batch.lora_b):
        for matrix in matrices.values():
            assert matrix.any() and not matrix.requires_grad
            assert torch.equal(matrix, matrix[:, :1].expand_as(matrix))
            assert not torch.equal(matrix[0], matrix[1])


def test_a_new_one_changes_nothing(tiny, tokens):
    model = tiny.build()
    made = MultiTaskLora(tiny.config("L"))
    adapters = t2l.attach(model, made.config.lora, num_slots=0)
    base = model(input_ids=tokens).logits
    with adapters.use(torch.zeros(3, dtype=torch.long), weights=made.generate(["a"])):
        assert torch.equal(model(input_ids=tokens).logits, base)
    for m, (size_in, _) in made.config.module_shapes.items():
        assert made.lora_a[m].any() and made.lora_a[m].abs().max() <= size_in**-0.5


def test_it_is_trained_by_every_row(tiny, multi_task, tokens):
    model = tiny.build().requires_grad_(False)
    adapters = t2l.attach(model, multi_task.config.lora, num_slots=0)
    optimizer = torch.optim.SGD(multi_task.parameters(), lr=0.05)
    before = multi_task.fingerprint
    losses = []
    for _ in range(5):
        weights = multi_task(multi_task.encode(["a", "b", "c"]))
        with adapters.use(torch.arange(3), weights=weights):
            logits = model(input_ids=tokens).logits
        loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad.any() for p in multi_task.parameters())
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert multi_task.fingerprint != before


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_its_weights_make_a_peft_folder(tiny, tmp_path, name):
    made = MultiTaskLora(tiny.config("L", name))
    made.weights().save_pretrained(tmp_path)
    sites = t2l.find_sites(tiny.build(name), made.config.lora.target_modules)
    # a folder alone knows only its own modules, and calls GPT-2's attn.c_proj c_proj
    read = t2l.LoraWeights.from_pretrained(tmp_path).for_sites(sites)
    for m, paths in made.config.module_paths.items():
        assert read.paths[m] == paths
        assert torch.equal(read.lora_a[m], made.lora_a[m.replace(".", "/")])
        assert torch.equal(read.lora_b[m], made.lora_b[m.replace(".", "/")])
    assert read.config.scaling == made.config.lora.scaling


@torch.no_grad()
def test_the_bank_makes_it(tiny, multi_task, tokens):
    model = tiny.build()
    adapters = t2l.attach(model, multi_task.config.lora, num_slots=2, generator=multi_task)
    first, second = adapters.bank.register(texts=["a", "b"])
    with adapters.bank.lease([first, second, None]) as lease, adapters.use(lease):
        leased = model(input_ids=tokens).logits
    with adapters.use(torch.tensor([0, 0, -1]), weights=multi_task.generate(["a"])):
        direct = model(input_ids=tokens).logits
    torch.testing.assert_close(leased, direct, rtol=1e-5, atol=1e-5)
