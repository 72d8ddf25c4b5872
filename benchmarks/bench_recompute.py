"""A training step that keeps the generated A and B beside one that makes them again in backward."""

import ctypes
import gc
from pathlib import Path

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from benchmarks.bench_multi_lora import forget_peak, peak_bytes
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.train.sft.step_adapters import MaterialisedAdapters, RecomputedAdapters

TASKS, TOKENS, WIDTH, LAYERS = 64, 16, 2048, 8


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_memory_and_time_of_a_step(paired):
    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 256, "num_hidden_layers": LAYERS}
    heads = {"num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 100}
    model = tf.LlamaForCausalLM(tf.LlamaConfig(**sizes, **heads)).eval().requires_grad_(False)
    lora = t2l.LoraConfig(("q_proj", "v_proj"), 8, 16)
    shape = {"task_embedding_size": 64, "latent_size": 64, "head_in_size": 128, "dropout": 0.0}
    generator = TextToLora(T2LConfig.for_model(model, lora=lora, **shape))
    for head in generator.heads.values():
        torch.nn.init.normal_(head.weight, std=0.01)
    adapters = t2l.attach(model, lora, num_slots=0)
    codes, slots = torch.randn(TASKS, 64), torch.arange(TASKS)
    tokens = torch.randint(0, 100, (TASKS, TOKENS))

    def step(kind: type) -> list[torch.Tensor]:
        for parameter in generator.parameters():
            parameter.grad = None
        made = kind(generator, codes)
        with adapters.use(slots, weights=made.batch):
            model(tokens, labels=tokens).loss.backward()
        made.finish(1e-3)
        return [p.grad for p in generator.parameters()]

    kept = [grad.clone() for grad in step(MaterialisedAdapters)]
    for mine, expected in zip(step(RecomputedAdapters), kept, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-3, atol=1e-5)
    extra = {}
    for kind in (MaterialisedAdapters, RecomputedAdapters):
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # else freed heap would hide the peak
        before = forget_peak()
        step(kind)
        extra[kind.__name__] = (peak_bytes() - before) / 1e6
    times = paired.milliseconds(
        {k.__name__: lambda k=k: step(k) for k in (MaterialisedAdapters, RecomputedAdapters)},
        rounds=5,
    )
    weights = 2 * 2 * LAYERS * TASKS * 8 * WIDTH * 4 / 1e6
    paired.add(
        "SFT step that makes A and B again in backward beside one that keeps them",
        f"{TASKS} tasks × {TOKENS} tokens, {LAYERS} layers, q and v, d {WIDTH}, r 8, h 128",
        "—",
        f"{times['RecomputedAdapters'] / times['MaterialisedAdapters']:.2f}× the time, extra peak "
        f"{extra['RecomputedAdapters']:.0f} instead of "
        f"{extra['MaterialisedAdapters']:.0f} MB (A and B: {weights:.0f} MB)",
        kept_mb=extra["MaterialisedAdapters"],
        remade_mb=extra["RecomputedAdapters"],
        **times,
    )
