"""What only a GPU can show, in one command under nine minutes: JSON and a table.

    python benchmarks/gpu/session.py [--minutes 8] [--output benchmarks/results]

Sections: numerics in bf16, bits independent of company, capture and replay, call overhead beside a
raw launch, a generator in training. Times beside peers are cold in L2, and rivals take turns.
Without a GPU it says so and exits 0.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "kernels")]

from benchmarks.gpu.generation import heads, reconstruction  # noqa: E402
from benchmarks.gpu.peers import inference_op_with_peers  # noqa: E402
from benchmarks.gpu.timing import captured, microseconds, rotation  # noqa: E402
from benchmarks.ops.inputs import Inputs, Shape  # noqa: E402
from benchmarks.ops.registry import OPS  # noqa: E402
from t2l_kernels import Route, lora_expand, lora_shrink, multi_lora  # noqa: E402
from t2l_kernels._core.roofline import GPUS  # noqa: E402

BF16 = torch.bfloat16
TIMED = {
    "inference": [
        Shape(tokens, popularity, rank=rank, num_slots=slots, dtype=BF16)
        for tokens, popularity, rank, slots in [
            (64, "distinct", 16, 64),
            (64, "distinct", 16, 1024),
            (256, "distinct", 16, 1024),
            (256, "distinct", 64, 256),
            (256, "zipf", 16, 1024),
            (256, "identical", 16, 1024),
            (2048, "uniform", 16, 1024),
            (2048, "skewed", 16, 1024),
        ]
    ],
    "basis": [Shape(n, "distinct", rank=8, dtype=BF16) for n in (64, 256, 1024)],
    "training": [
        Shape(4096, "uniform", rank=8, dtype=BF16),
        Shape(4096, "zipf", rank=16, dtype=BF16),
    ],
}
HEAVY = ("all slots",)  # not beyond this many columns
HEAVY_COLUMNS = 4096


def numerics(device: str) -> list[dict]:
    """Compare every operator in every dtype over the popularity grid with fp64."""
    rows = []
    for dtype in (torch.float32, torch.float16, BF16):
        for popularity in ("distinct", "uniform", "zipf", "identical", "skewed"):
            for width, rank in ((1024, 16), (1000, 6), (2049, 33)):
                shape = Shape(300, popularity, width=width, rank=rank, dtype=dtype)
                inputs = Inputs.make(shape, device)
                for op in OPS.values():
                    op.check("triton", inputs)
                    rows.append({"op": op.name, "shape": str(shape), "dtype": str(dtype)})
    return rows


def invariance(device: str) -> list[dict]:
    """Compare rows alone, permuted and in blocks of the other size, bit for bit."""
    rows = []
    for dtype in (torch.float32, torch.float16, BF16):
        inputs = Inputs.make(Shape(512, "zipf", width=4096, dtype=dtype), device)

        def run(tokens, inputs=inputs, bound=None):
            route = Route.from_tokens(inputs.slots[tokens], max_segments=bound, impl="triton")
            weights = inputs.lora_a, inputs.lora_b, route
            rows = inputs.x[tokens]
            return multi_lora(rows, *weights, scalings=inputs.scalings, impl="triton")

        every = torch.arange(512, device=device)
        whole = run(every)
        mixed = every[torch.randperm(512, device=device)]
        for name, tokens, bound in (
            ("one token", every[7:8], None),
            ("a third", every[::3], None),
            ("permuted", mixed, None),
            ("64-row blocks", every, len(inputs.shape.lengths)),
        ):
            same = bool(torch.equal(run(tokens, bound=bound), whole[tokens]))
            rows.append({"what": name, "dtype": str(dtype), "equal": same})
            assert same, f"{name}, {dtype}: bits differ"
    return rows


def capture_and_replay(device: str) -> list[dict]:
    """Replay one captured graph, route included, over changing slots: equal to eager calls."""
    inputs = Inputs.make(Shape(256, "zipf", num_slots=64, dtype=BF16), device)
    slots, x = inputs.slots.clone(), inputs.x.clone()

    def layer():
        route = Route.from_tokens(slots, impl="triton")
        out = inputs.y.clone()
        s = lora_shrink(x, inputs.lora_a, route, impl="triton")
        lora_expand(s, inputs.lora_b, route, scalings=inputs.scalings, out=out, impl="triton")
        return out

    layer()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = layer()
    rows = []
    for kind in ("shuffled", "one adapter", "none", "distinct"):
        fresh = {
            "shuffled": inputs.slots[torch.randperm(256, device=device)],
            "one adapter": torch.full_like(slots, 5),
            "none": torch.full_like(slots, -1),
            "distinct": torch.arange(256, device=device, dtype=torch.int32) % 64,
        }[kind]
        slots.copy_(fresh)
        graph.replay()
        same = bool(torch.equal(out, layer()))
        rows.append({"slots": kind, "equal": same})
        assert same, f"replay differs from eager: {kind}"
    return rows


def attached_model(device: str) -> list[dict]:
    """Capture a whole forward pass of a model with adapters, as torch's manual does it."""
    import transformers as tf

    import t2l_fast as t2l

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4}
    heads: dict[str, Any] = {"num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 1000}
    model = tf.LlamaForCausalLM(tf.LlamaConfig(**sizes, **heads)).eval()
    torch.nn.Module.to(model, device, BF16)
    config = t2l.LoraConfig(("q_proj", "v_proj", "down_proj"), 8, 16)
    adapters = t2l.attach(model, config, num_slots=16)
    batch = t2l.LoraBatch.init(config, adapters.sites, num_adapters=16)
    for tensor in batch.lora_b.values():
        torch.nn.init.normal_(tensor, std=0.05)
    ids = adapters.bank.register(weights=list(batch))
    tokens = torch.randint(0, 1000, (16, 32), device=device)
    slots = torch.arange(16, device=device, dtype=torch.int32)
    rows = []
    with torch.no_grad(), adapters.bank.lease(ids), adapters.use(slots):

        def run() -> torch.Tensor:
            return model(tokens, use_cache=False).logits

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits = run()
        for shift in (0, 3):
            slots.copy_((torch.arange(16, device=device) + shift) % 16)
            graph.replay()
            same = bool(torch.equal(logits, run()))
            rows.append({"slots": f"shifted by {shift}", "equal": same})
            assert same, "a captured forward pass differs from an eager one"
    return rows


def call_overhead(device: str) -> list[dict]:
    """Time a call on the host beside its kernel launched directly with prepared arguments."""
    from t2l_kernels.lora import launch

    inputs = Inputs.make(Shape(64, "distinct", dtype=BF16), device)
    route = inputs.route("triton")
    arguments: list = []
    kernel = launch.lora_shrink_kernel

    class Recorder:
        def __getitem__(self, grid):
            return lambda *args, **options: arguments.append((grid, args, options))

    launch.lora_shrink_kernel = Recorder()
    try:
        launch.shrink(inputs.x, inputs.lora_a, route, None)
    finally:
        launch.lora_shrink_kernel = kernel
    grid, args, options = arguments[0]
    variants: dict[str, Callable[[], object]] = {
        "raw launch": lambda: kernel[grid](*args, **options),
        "launcher": lambda: launch.shrink(inputs.x, inputs.lora_a, route, None),
        "ops.lora_shrink": lambda: lora_shrink(inputs.x, inputs.lora_a, route, impl="triton"),
    }
    rows = []
    for name, run in variants.items():
        for _ in range(20):
            run()
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(500):
            run()
        rows.append({"call": name, "host_us": 2e3 * (time.perf_counter() - started)})
        torch.cuda.synchronize()
    return rows


def route_build(device: str) -> list[dict]:
    """Time the route's captured build: once per forward pass, whatever the layers."""
    rows = []
    for tokens in (64, 512, 2048, 8192):
        slots = torch.randint(-1, 64, (tokens,), device=device, dtype=torch.int32)

        def build(_=None, slots=slots):
            return Route.from_tokens(slots, impl="triton")

        replay = captured(build, [None] * 8)
        rows.append({"tokens": tokens} | microseconds({"us": replay}, 8))
    return rows


def timings(device: str, deadline: float) -> list[dict]:
    """Time implementations and peers on the same inputs; only what passed its check."""
    rows = []
    for kind, shapes in TIMED.items():
        op = inference_op_with_peers(OPS[kind]) if kind == "inference" else OPS[kind]
        for shape in shapes:
            if time.monotonic() > deadline:
                rows.append({"op": op.name, "shape": str(shape), "not run": "out of time"})
                continue
            sets = rotation(lambda seed, shape=shape: Inputs.make(shape, device, seed))
            variants, failed = {}, {}
            for name, run in (op.implementations | op.peers).items():
                columns = shape.rank * (shape.num_slots or len(shape.lengths))
                if name in HEAVY and columns > HEAVY_COLUMNS:
                    failed[name] = f"{columns} columns: left out"
                    continue
                try:
                    op.check(name, sets[0])
                    with torch.set_grad_enabled(kind == "training"):
                        variants[name] = captured(run, sets)
                except Exception as error:  # a peer's failure is a result, not ours to die of
                    if name == "triton":
                        raise
                    failed[name] = f"{type(error).__name__}: {str(error)[:160]}"
            times = microseconds(variants, len(sets))
            whole = op.cost(shape.batch)
            rows.append(
                {
                    "op": op.name,
                    "shape": str(shape),
                    "us": times,
                    "not timed": failed,
                    "GB/s of the least bytes": whole.least / times["triton"] / 1e3,
                    "modelled us (H100)": 1e6 * whole.seconds(GPUS[1]),
                }
            )
            print(f"  {shape}: " + ", ".join(f"{n} {t:.1f} µs" for n, t in times.items()))
            del sets, variants
            torch.cuda.empty_cache()
    return rows


def training(device: str) -> list[dict]:
    """Run `benchmarks/gpu/training.py`; what it imports may be missing, which fails it alone."""
    from benchmarks.gpu.training import training as section

    return section(device)


SECTIONS = (
    invariance, capture_and_replay, attached_model, call_overhead, route_build, heads,
    reconstruction, training, timings, numerics,
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the sections, write their rows and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--minutes", type=float, default=8.0, help="no section and no shape starts after this"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print("no GPU here: nothing was run. Kernels are proven without one by `make kernels`")
        return 0
    import triton

    started = time.monotonic()
    deadline = started + 60 * options.minutes
    name = torch.cuda.get_device_name(0)
    report: dict[str, object] = {
        "device": name, "torch": torch.__version__, "triton": triton.__version__, "dtype": "bf16"
    }  # fmt: skip
    failures = 0
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"gpu_{name.lower().replace(' ', '_')}.json"
    for section in SECTIONS:
        if time.monotonic() > deadline:
            report[section.__name__] = "not run: out of time"
            continue
        print(f"{section.__name__} …", flush=True)
        try:
            late = (deadline,) if section is timings else ()
            report[section.__name__] = section("cuda", *late)
        except Exception as error:
            failures += 1
            report[section.__name__] = {"failed": repr(error), "trace": traceback.format_exc()}
            print(f"  FAILED {error!r}")
        path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{failures} failures; {time.monotonic() - started:.0f} s; written to {path}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
