"""What `modules_to_save` and DoRA would cost in a batch with a different adapter for every row.

python benchmarks/experiments/whole_modules/run.py    # prints, writes benchmarks/results

The first part multiplies one decode step's hidden states by an output head per row, as an adapter
with `modules_to_save=["lm_head"]` asks for, beside one shared head with a LoRA per row. The second
runs SmolLM2-135M's shapes with plain slots and with DoRA slots. Sizes are SmolLM2-135M's.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from transformers import LlamaConfig, LlamaForCausalLM

import t2l_fast as t2l

HIDDEN, VOCAB, RANK, ROUNDS = 576, 49_152, 8, 9
ROWS = (1, 4, 8)
RESULT = Path(__file__).parents[2] / "results" / "whole_modules.json"


def milliseconds(run: Callable[[], object]) -> float:
    """Return the median time of a call."""
    run()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return 1e3 * median(times)


def heads(rows: int) -> dict[str, float]:
    """Compare an output head per row with one head and a LoRA per row."""
    x = torch.randn(rows, HIDDEN)
    own = [torch.randn(VOCAB, HIDDEN) for _ in range(rows)]
    layer = t2l.MultiLoraLinear(
        torch.nn.Linear(HIDDEN, VOCAB, bias=False), num_slots=rows, rank=RANK
    )
    slots = torch.arange(rows)
    return {
        "head_per_row_ms": milliseconds(lambda: [w @ v for w, v in zip(own, x, strict=True)]),
        "shared_head_with_lora_ms": milliseconds(lambda: layer(x, slots)),
        "head_per_slot_bytes": VOCAB * HIDDEN * 2,
        "lora_per_slot_bytes": RANK * (VOCAB + HIDDEN) * 2,
    }


def dora(rows: int = 8, tokens: int = 1) -> dict[str, float]:
    """Compare a step under plain slots with the same step under DoRA slots."""
    shape = dict(hidden_size=HIDDEN, intermediate_size=1536, num_hidden_layers=30, vocab_size=VOCAB)
    shape |= dict(num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True)
    model = LlamaForCausalLM(LlamaConfig(**shape)).eval()
    config = t2l.LoraConfig("all-linear", RANK, RANK)
    adapters = t2l.attach(model, config, num_slots=rows)
    batch = t2l.LoraBatch.init(config, adapters.sites, rows)
    plain = [w.for_sites(adapters.sites) for w in batch]
    ids = torch.zeros(rows, tokens, dtype=torch.int64)

    def step() -> float:
        return milliseconds(lambda: model(input_ids=ids, use_cache=False))

    base = step()
    names = adapters.bank.register(weights=plain)
    with adapters.bank.lease(names) as lease, adapters.use(lease):
        lora = step()
    with_norms = [
        t2l.LoraWeights(
            w.config,
            w.lora_a,
            w.lora_b,
            w.paths,
            magnitudes={
                m: torch.stack([s.module.weight.norm(dim=1) for s in group])
                for m, group in adapters.sites.items()
            },
        )
        for w in plain
    ]
    names = adapters.bank.register(weights=with_norms)
    started = time.perf_counter()
    lease = adapters.bank.lease(names)
    filling = 1e3 * (time.perf_counter() - started) / rows
    with lease, adapters.use(lease):
        scaled = step()
    return {
        "base_ms": base,
        "lora_ms": lora,
        "dora_ms": scaled,
        "fill_a_dora_slot_ms": filling,
    }


@torch.no_grad()
def main() -> None:
    """Measure, print and write the result."""
    torch.manual_seed(0)
    result = {
        "where": f"{platform.machine()}, {torch.get_num_threads()} threads, {torch.__version__}",
        "output heads": {f"{rows} rows": heads(rows) for rows in ROWS},
        "DoRA in 8 rows": {f"{tokens} tokens": dora(tokens=tokens) for tokens in (1, 32)},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
