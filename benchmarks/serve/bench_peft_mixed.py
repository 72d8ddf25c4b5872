"""Decode on SmolLM2 with a different adapter in every row, beside PEFT's `adapter_names`."""

import pytest
import torch

import t2l_fast as t2l
from benchmarks.serve.peft_rival import pair
from t2l_fast.errors import ModelNotFound

ADAPTERS, CONTEXT = 64, 16


@torch.no_grad()
def test_decode_beside_peft_adapter_names(paired):
    try:
        model, _ = t2l.load_model("smollm2")
    except ModelNotFound as error:
        pytest.skip(str(error))
    config = t2l.LoraConfig("all-linear", rank=8, alpha=16)
    adapters, ids, _, rival = pair(model, config, ADAPTERS)
    names = [str(i) for i in range(ADAPTERS)]
    prompt = torch.randint(100, 1000, (ADAPTERS, CONTEXT))
    token = torch.randint(100, 1000, (ADAPTERS, 1))

    def decode(run, cache, **options):
        out = run(input_ids=token, past_key_values=cache, **options).logits
        cache.crop(-1)
        return out

    with adapters.bank.lease(ids) as lease:
        with adapters.use(lease):
            ours_cache = model(prompt).past_key_values
        rival_cache = rival(input_ids=prompt, adapter_names=names).past_key_values
        base_cache = model(prompt).past_key_values

        def ours():
            with adapters.use(lease):
                return decode(model, ours_cache)

        def theirs():
            return decode(rival, rival_cache, adapter_names=names)

        gap = (ours() - theirs()).abs().max().item()
        assert gap < 1e-3
        times = paired.milliseconds(
            {"base": lambda: decode(model, base_cache), "ours": ours, "peft": theirs}, rounds=5
        )
    faster = times["peft"] / times["ours"]
    paired.add(
        "decode step beside PEFT adapter_names, SmolLM2-135M, all seven linears",
        f"{ADAPTERS} rows, {ADAPTERS} distinct adapters, r 8",
        "≥ 5× faster",
        f"{faster:.1f}× ({times['ours']:.0f} and {times['peft']:.0f} ms; base model "
        f"{times['base']:.0f} ms; logits within {gap:.0e})",
        faster=faster,
        **times,
    )
