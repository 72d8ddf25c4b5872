"""Every supported model: a mixed batch equals each adapter merged into the weights, alone."""

import copy

import pytest
import torch

import t2l_fast as t2l

SLOTS = torch.tensor([2, -1, 0, 1, 2])


@pytest.fixture
def attached(name, model, lora):
    config = lora.config(name)
    weights = lora.adapters(model, config, 3)
    adapters = t2l.attach(model, config, num_slots=4)
    ids = adapters.bank.register(weights=weights)
    return adapters, weights, [None if s < 0 else ids[s] for s in SLOTS.tolist()]


@torch.no_grad()
def test_each_row_equals_its_adapter_merged(model, attached, tokens, lora):
    adapters, weights, rows = attached
    base = lora.run(model, tokens)
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mixed = lora.run(model, tokens)
    for row, slot in enumerate(SLOTS.tolist()):
        alone = copy.deepcopy(model)
        if slot >= 0:
            weights[slot].merge_into(alone)
        expected = lora.run(alone, tokens[row : row + 1])[0]
        torch.testing.assert_close(mixed[row], expected, rtol=1e-4, atol=5e-5)
        if slot >= 0:
            assert (mixed[row] - base[row]).abs().max() > 1e-2
            weights[slot].unmerge_from(alone)
            torch.testing.assert_close(
                lora.run(alone, tokens[row : row + 1])[0], base[row], rtol=1e-4, atol=5e-5
            )
    assert torch.equal(mixed[1], base[1])


@torch.no_grad()
def test_permuting_rows_permutes_outputs(model, attached, tokens, lora):
    adapters, _, rows = attached
    perm = torch.tensor([3, 0, 4, 2, 1])
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mixed = lora.run(model, tokens)
    with adapters.bank.lease([rows[i] for i in perm]) as lease, adapters.use(lease):
        permuted = lora.run(model, tokens[perm])
    torch.testing.assert_close(permuted, mixed[perm], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_copies_and_saved_files_are_the_bare_model(model, attached, tokens, lora, tmp_path):
    adapters, _, rows = attached
    twin = lora.build(next(n for n, m in lora.models.items() if isinstance(model, m[0])))
    expected = lora.run(twin, tokens)
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        assert torch.equal(lora.run(copy.deepcopy(model), tokens), expected)
        lora.run(model, tokens)
    assert model.state_dict().keys() == twin.state_dict().keys()
    model.save_pretrained(tmp_path / "attached")
    twin.save_pretrained(tmp_path / "bare")
    saved = (tmp_path / "attached/model.safetensors").read_bytes()
    assert saved == (tmp_path / "bare/model.safetensors").read_bytes()
    adapters.detach()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(lora.run(model, tokens), expected)


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": False},
        {"do_sample": False, "num_beams": 3},
        {"do_sample": False, "num_beams": 3, "num_return_sequences": 2},
        {"do_sample": True, "num_return_sequences": 3, "top_k": 1},
    ],
    ids=["greedy", "beams", "beams returned", "sampling"],
)
def test_generate_equals_each_adapter_alone(model, attached, tokens, options):
    adapters, weights, rows = attached
    mask = torch.ones_like(tokens)
    if not model.config.is_encoder_decoder:  # left padding, as causal generation wants it
        mask[0, :3] = 0
        tokens = tokens * mask
    repeat = options.get("num_beams", options.get("num_return_sequences", 1))
    options = options | {"max_new_tokens": 5, "min_new_tokens": 5}
    with adapters.bank.lease(rows) as lease, adapters.use(lease, repeat=repeat):
        mixed = model.generate(input_ids=tokens, attention_mask=mask, **options)
    returned = mixed.shape[0] // len(rows)
    for row, slot in enumerate(SLOTS.tolist()):
        alone = copy.deepcopy(model)
        if slot >= 0:
            weights[slot].merge_into(alone)
        one = slice(row, row + 1)
        expected = alone.generate(input_ids=tokens[one], attention_mask=mask[one], **options)
        assert torch.equal(mixed[row * returned : (row + 1) * returned], expected)


@torch.no_grad()
def test_sampled_rows_have_the_logits_of_their_adapter(model, attached, tokens):
    """Real sampling: every step's logits equal the merged model's over the same sampled tokens."""
    adapters, weights, rows = attached
    repeat, steps = 2, 4
    options = {"do_sample": True, "num_return_sequences": repeat, "max_new_tokens": steps}
    options |= {"min_new_tokens": steps, "output_logits": True, "return_dict_in_generate": True}
    torch.manual_seed(0)
    with adapters.bank.lease(rows) as lease, adapters.use(lease, repeat=repeat):
        mixed = model.generate(tokens, attention_mask=torch.ones_like(tokens), **options)
    logits = torch.stack(mixed.logits, 1)
    assert logits.shape[0] == repeat * len(rows)
    for row, slot in enumerate(SLOTS.repeat_interleave(repeat).tolist()):
        alone = copy.deepcopy(model)
        if slot >= 0:
            weights[slot].merge_into(alone)
        sequence = mixed.sequences[row : row + 1]
        if model.config.is_encoder_decoder:
            source = tokens[row // repeat : row // repeat + 1]
            expected = alone(input_ids=source, decoder_input_ids=sequence).logits
        else:
            expected = alone(sequence).logits
        expected = expected[0, -steps - 1 : -1]
        torch.testing.assert_close(logits[row], expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_encoder_decoder_slots_per_row_serve_both_lengths(lora, tokens):
    """Also where the encoder is as long as the batch has rows, and the decoder is not."""
    model = lora.build("t5")
    config = lora.config("t5")
    weights = lora.adapters(model, config, 2)
    adapters = t2l.attach(model, config, num_slots=2)
    ids = adapters.bank.register(weights=weights)
    with adapters.bank.lease([ids[1], ids[0]]) as lease, adapters.use(lease):
        for source, target in ((2, 2), (7, 2), (2, 5), (1, 6)):
            out = model(input_ids=tokens[:2, :source], decoder_input_ids=tokens[:2, :target])
            for row, slot in ((0, 1), (1, 0)):
                alone = copy.deepcopy(model)
                weights[slot].merge_into(alone)
                one = slice(row, row + 1)
                expected = alone(
                    input_ids=tokens[one, :source], decoder_input_ids=tokens[one, :target]
                ).logits
                torch.testing.assert_close(out.logits[one], expected, rtol=1e-4, atol=5e-5)
