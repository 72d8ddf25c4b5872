"""How many adapters fit where, and what it costs to bring one back: regenerating beside loading.

python benchmarks/experiments/capacity/run.py    # measures, prints, draws docs/capacity.png
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

import t2l_fast as t2l
from t2l_fast.generators import T2LConfig, TextToLora

CODE_BYTES = 883  # of a registered MiniLM embedding, index included: `t2l bench bank`
BATCH, ROUNDS = 64, 7
PICTURE = Path(__file__).parents[3] / "docs" / "capacity.png"
RESULT = Path(__file__).parents[2] / "results" / "capacity.json"

# name: (layers, {module: (in, out)}, rank, h, bytes per number)
MODELS = {
    "SmolLM2-135M": (30, {"q_proj": (576, 576), "v_proj": (576, 192)}, 8, 512, 4),
    "Mistral-7B": (32, {"q_proj": (4096, 4096), "v_proj": (4096, 1024)}, 8, 512, 2),
    "Llama-3.1-70B": (80, {"q_proj": (8192, 8192), "v_proj": (8192, 1024)}, 16, 512, 2),
}
# H100 SXM, as its data sheet says; the share of it that a large GEMM gets is an assumption
H100_FLOPS, H100_SHARE, PCIE5, NVME = 989e12, 0.7, 55e9, 7e9


def numbers(name: str) -> int:
    """Numbers in one adapter."""
    layers, modules, rank, *_ = MODELS[name]
    return layers * rank * sum(sum(shape) for shape in modules.values())


def modelled(name: str) -> dict[str, float]:
    """Microseconds for one adapter on an H100: arithmetic, not measured."""
    *_, width, size = MODELS[name]
    weight_bytes = numbers(name) * size
    # every number is one row of a head times one latent of h numbers
    flops = 2 * width * numbers(name)
    return {
        "regenerate": 1e6 * flops / (H100_FLOPS * H100_SHARE),
        "copy from host memory": 1e6 * weight_bytes / PCIE5,
        "read from a disk": 1e6 * weight_bytes / NVME,
    }


def measured(root: Path) -> dict[str, float]:
    """Milliseconds for one adapter of SmolLM2 on this machine, 64 at once, into slots."""
    model, _ = t2l.load_model("smollm2")
    lora = t2l.LoraConfig(("q_proj", "v_proj"), rank=8, alpha=16)
    torch.manual_seed(0)
    config = T2LConfig.for_model(
        model, lora=lora, task_embedding_size=384, latent_size=128, head_in_size=512
    )
    generator = TextToLora(config).eval()
    for head in generator.heads.parameters():
        torch.nn.init.normal_(head, std=0.02)
    codes = torch.randn(BATCH, 384)
    weights = [w.for_sites(_sites(model, lora)) for w in generator.generate(codes=codes)]
    for i, adapter in enumerate(weights):
        adapter.save_pretrained(root / str(i))
    adapters = t2l.attach(
        model, lora, num_slots=BATCH, generator=generator, store=root / "adapters.sqlite"
    )
    bank = adapters.bank
    coded = bank.register(codes=codes)
    trained = bank.register(weights=weights)

    def brought(ids: list) -> Callable[[], None]:
        def run() -> None:
            bank.evict(ids)
            with bank.lease(ids):
                pass

        return run

    def folders() -> None:
        for i in range(BATCH):
            bank.slab.write(
                t2l.LoraWeights.from_pretrained(root / str(i)).for_sites(adapters.sites), i
            )

    runs = {
        "regenerate": brought(coded),
        "read from the store": brought(trained),
        "read a PEFT folder": folders,
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - started) / BATCH)
    adapters.detach()
    return {name: median(values[1:]) for name, values in times.items()}


def _sites(model, lora):
    from t2l_fast.adapters import find_sites

    return find_sites(model, lora.target_modules)


def draw(here: dict[str, float]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    names = list(MODELS)
    for shift, (label, size) in enumerate(
        {
            "as a code": lambda n: CODE_BYTES,
            "as weights": lambda n: numbers(n) * MODELS[n][4],
        }.items()
    ):
        counts = [1e9 / size(name) for name in names]
        bars = left.bar([i + 0.4 * shift for i in range(len(names))], counts, 0.38, label=label)
        left.bar_label(bars, [f"{c:,.0f}" for c in counts], fontsize=7)
    left.set(yscale="log", ylim=(5, 3e7), ylabel="adapters per GB", title="what fits")
    left.set_xticks([i + 0.2 for i in range(len(names))], names)
    left.legend(fontsize=8)
    rows = {f"SmolLM2, this CPU:\n{k}": 1e3 * v for k, v in here.items()}
    rows |= {f"Mistral-7B, H100 (modelled):\n{k}": v for k, v in modelled("Mistral-7B").items()}
    bars = right.barh(list(rows)[::-1], list(rows.values())[::-1], color=["C1"] * 3 + ["C0"] * 3)
    right.bar_label(bars, [f"{v:,.0f} µs" for v in list(rows.values())[::-1]], fontsize=7)
    right.set(xscale="log", xlabel="µs for one adapter, 64 at once", title="bringing one back")
    right.set_xlim(1, 8 * max(rows.values()))
    right.tick_params(axis="y", labelsize=7)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=130)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = measured(Path(folder))
    result = {
        "measured, ms each, SmolLM2-135M q and v, r 8, L h 512, fp32": here,
        "where": f"{torch.get_num_threads()} threads, torch {torch.__version__}",
        "modelled, µs each, H100": {name: modelled(name) for name in MODELS},
        "bytes of weights": {name: numbers(name) * MODELS[name][4] for name in MODELS},
        "adapters per GB": {
            name: {"codes": 1e9 / CODE_BYTES, "weights": 1e9 / (numbers(name) * MODELS[name][4])}
            for name in MODELS
        },
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    draw(here)


if __name__ == "__main__":
    main()
