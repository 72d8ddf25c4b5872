"""The engine: beside `generate`, with and without adapters, and beside PEFT's mixed batch."""

import copy

import pytest
import torch

import t2l_fast as t2l
from benchmarks.serve.peft_rival import pair
from t2l_fast.errors import ModelNotFound
from t2l_fast.serve import Engine, EngineConfig, SamplingParams

REQUESTS, PROMPT, ANSWER = 64, 64, 32
SHAPE = f"{REQUESTS} requests × {PROMPT} + {ANSWER} tokens, SmolLM2-135M"
SIZES = EngineConfig(max_active=REQUESTS, max_batch_tokens=REQUESTS * PROMPT, cache_tokens=16_384)
PROMPTS = torch.randint(100, 40_000, (REQUESTS, PROMPT), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def loaded():
    try:
        model, tokenizer = t2l.load_model("smollm2")
    except ModelNotFound as error:
        pytest.skip(str(error))
    model.generation_config.eos_token_id = None
    return model, tokenizer


def serve(engine: Engine, ids, answer: int = ANSWER) -> torch.Tensor:
    params = SamplingParams(max_tokens=answer, ignore_eos=True)
    tickets = [
        engine.submit(row, adapter=i, params=params)
        for row, i in zip(PROMPTS.tolist(), ids, strict=True)
    ]
    return torch.tensor([ticket.result().tokens for ticket in tickets])


@torch.no_grad()
def generate(model, answer: int = ANSWER, **options) -> torch.Tensor:
    mask = torch.ones_like(PROMPTS)
    out = model.generate(
        input_ids=PROMPTS, attention_mask=mask, max_new_tokens=answer, do_sample=False, **options
    )
    return out[:, PROMPT:]


def agreement(mine: torch.Tensor, other: torch.Tensor) -> float:
    """Share of tokens that are equal; random prompts leave some ties to rounding."""
    return (mine == other).float().mean().item()


def test_engine_beside_generate_and_with_generated_adapters(paired, loaded):
    model, tokenizer = loaded
    plain = copy.deepcopy(model)
    generator = t2l.TextToLora.from_pretrained("smollm2")
    adapters = t2l.attach(model, generator.config.lora, num_slots=REQUESTS, generator=generator)
    ids = adapters.bank.register(codes=torch.randn(REQUESTS, *generator.code_shape))
    nobody = [None] * REQUESTS
    with Engine(model, tokenizer, adapters, SIZES) as engine:
        same = agreement(serve(engine, nobody), generate(plain))
        assert same > 0.95

        def missing():
            adapters.bank.evict(ids)
            serve(engine, ids)

        times = paired.milliseconds(
            {
                "generate": lambda: generate(plain),
                "engine": lambda: serve(engine, nobody),
                "adapters": lambda: serve(engine, ids),
                "missing": missing,
            },
            rounds=3,
        )
    tokens = 1e3 * REQUESTS * ANSWER
    beside, kept = times["generate"] / times["engine"], times["engine"] / times["adapters"]
    generated = times["engine"] / times["missing"]
    paired.add(
        "engine's throughput beside plain batched `generate`, no adapters",
        SHAPE,
        "≥ 0.8",
        f"{beside:.2f} ({tokens / times['engine']:.0f} and {tokens / times['generate']:.0f} tokens "
        f"per second; {100 * same:.1f}% of the tokens equal)",
        beside=beside,
        **times,
    )
    lora = generator.config.lora
    paired.add(
        "engine's throughput with a distinct generated adapter for every request, of that without",
        f"{SHAPE}; {', '.join(lora.target_modules)}, r {lora.rank}",
        "≥ 0.90",
        f"{kept:.2f} ({tokens / times['adapters']:.0f} tokens per second; with all {REQUESTS} "
        f"adapters made anew {generated:.2f})",
        kept=kept,
        generated=generated,
        **times,
    )


def test_engine_beside_peft_adapter_names(paired, loaded):
    model, tokenizer = loaded
    config = t2l.LoraConfig("all-linear", rank=8, alpha=16)
    adapters, ids, _, rival = pair(model, config, REQUESTS)
    names = [str(i) for i in range(REQUESTS)]
    with Engine(model, tokenizer, adapters, SIZES) as engine:
        same = agreement(serve(engine, ids), generate(rival, adapter_names=names))
        assert same > 0.95
        times = paired.milliseconds(
            {
                "ours": lambda: serve(engine, ids),
                "none": lambda: serve(engine, [None] * REQUESTS),
                "peft": lambda: generate(rival, adapter_names=names),
            },
            rounds=2,
        )
    faster, kept = times["peft"] / times["ours"], times["none"] / times["ours"]
    paired.add(
        "engine beside PEFT's `generate(adapter_names=…)`, all seven linears",
        f"{SHAPE}, {REQUESTS} distinct adapters, r 8",
        "≥ 3× faster",
        f"{faster:.1f}× ({times['ours'] / 1e3:.1f} and {times['peft'] / 1e3:.1f} s; without "
        f"adapters {times['none'] / 1e3:.1f} s: {kept:.2f}; {100 * same:.1f}% of the tokens equal)",
        faster=faster,
        kept=kept,
        **times,
    )
