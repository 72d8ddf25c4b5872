"""The LoRA part beside the bare linear, ragged lengths, and training beside the T2L hook."""

import gc
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from t2l_fast import MultiLoraLinear
from t2l_fast.adapters.layer import add_delta, route_of
from t2l_kernels import Route

D = 4096


def make_layer(num_slots: int, rank: int) -> MultiLoraLinear:
    """Build a layer of D × D with random B."""
    torch.manual_seed(0)
    layer = MultiLoraLinear(nn.Linear(D, D, bias=False), num_slots=num_slots, rank=rank)
    nn.init.normal_(layer.lora_b, std=0.02)
    return layer


OVERHEAD = {
    "prefill, 16 adapters": (torch.arange(16), 128, 16, 5),
    "prefill, 64 adapters": (torch.arange(64), 32, 64, 5),
    "decode, 64 distinct": (torch.arange(64), 1, 64, 12),
    "decode, 64 distinct, scattered over 1024 slots": (torch.randperm(1024)[:64], 1, 1024, 12),
}


@torch.no_grad()
@pytest.mark.parametrize("case", OVERHEAD)
def test_overhead_over_the_base_linear(case, paired):
    slots, seq_len, num_slots, bar = OVERHEAD[case]
    layer = make_layer(num_slots, 16)
    x = torch.randn(len(slots), seq_len, D)
    y = layer.base(x)
    expected = y[0, 0] + x[0, 0] @ layer.lora_a[slots[0]].T @ layer.lora_b[slots[0]]
    torch.testing.assert_close(layer(x, slots)[0, 0], expected, rtol=1e-4, atol=1e-4)

    def lora_part():
        route = route_of(slots, x.shape[:-1])
        add_delta(x, y, layer.lora_a, layer.lora_b, route, layer.scalings, None)

    times = paired.milliseconds(
        {"base": lambda: layer.base(x), "lora": lora_part, "whole": lambda: layer(x, slots)},
        rounds=7 if seq_len > 1 else 31,
    )
    overhead = 100 * times["lora"] / times["base"]
    paired.add(
        f"LoRA part over the base linear: {case}",
        f"{x.shape[0] * seq_len} tokens, d {D}, r 16",
        f"≤ {bar}%",
        f"{overhead:.1f}% ({times['lora']:.1f} of {times['base']:.1f} ms)",
        overhead_percent=overhead,
        **times,
    )


def lengths(kind: str) -> Tensor:
    """Return tokens per adapter, 2048 in all over 64 adapters."""
    generator = torch.Generator().manual_seed(1)
    if kind == "equal":
        return torch.full((64,), 32)
    if kind == "ragged":
        cuts = torch.randperm(2047, generator=generator)[:63].sort().values + 1
        edges = torch.cat([torch.tensor([0]), cuts, torch.tensor([2048])])
        return edges.diff()
    shares = torch.tensor([1.5**-i for i in range(64)])
    counts = (shares / shares.sum() * (2048 - 64)).floor().long() + 1
    counts[0] += 2048 - counts.sum()
    return counts


@torch.no_grad()
@pytest.mark.parametrize("kind", ["ragged", "zipf", "zipf, tokens shuffled"])
def test_ragged_beside_equal_lengths(kind, paired):
    layer = make_layer(64, 16)
    x = torch.randn(2048, D)
    y = torch.randn(2048, D)
    tokens = {
        name: torch.arange(64).repeat_interleave(lengths(name.split(",")[0]))
        for name in ("equal", kind)
    }
    if "shuffled" in kind:
        tokens[kind] = tokens[kind][torch.randperm(2048)]

    def part(name: str):
        route = Route.from_tokens(tokens[name])
        add_delta(x, y, layer.lora_a, layer.lora_b, route, layer.scalings, None)

    times = paired.milliseconds(
        {
            "equal": lambda: part("equal"),
            "other": lambda: part(kind),
            "base": lambda: layer.base(x),
        },
        rounds=9,
    )
    alone = times["other"] / times["equal"]
    whole = (times["other"] + times["base"]) / (times["equal"] + times["base"])
    paired.add(
        f"{kind} beside equal lengths",
        f"2048 tokens, 64 adapters, d {D}, r 16",
        "≤ 1.5×",
        f"{whole:.2f}× with the linear, {alone:.2f}× LoRA part alone",
        with_linear=whole,
        lora_alone=alone,
        **times,
    )


def peak_bytes() -> int:
    """Return this process's peak of resident memory."""
    fields = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return 1024 * int(fields.split()[0])


def forget_peak() -> int:
    """Reset the peak of resident memory and return it."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def published_hook(x: Tensor, y: Tensor, lora_a: Tensor, lora_b: Tensor, scaling: float) -> Tensor:
    """Run Text-to-LoRA's training hook: A and B repeated for every token, then batched matmuls."""
    tasks, length, _ = x.shape
    a = lora_a.repeat_interleave(length, dim=0)
    b = lora_b.repeat_interleave(length, dim=0)
    flat = x.reshape(tasks * length, -1, 1)
    delta = torch.bmm(b.transpose(1, 2), torch.bmm(a, flat)).view_as(y)
    return y + scaling * delta


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_training_step_beside_the_published_hook(paired):
    torch.manual_seed(0)
    rank, tasks, length = 8, 8, 512
    weight = torch.randn(D, D) / D**0.5
    x = torch.randn(tasks, length, D, requires_grad=True)
    lora_a = (torch.randn(tasks, rank, D) / D**0.5).requires_grad_()
    lora_b = torch.randn(tasks, rank, D).requires_grad_()
    scalings, slots = torch.full((tasks,), 2.0), torch.arange(tasks)
    grad = torch.randn(tasks, length, D)

    def step(kind: str):
        for tensor in (x, lora_a, lora_b):
            tensor.grad = None
        y = linear(x, weight)
        if kind == "ours":
            route = route_of(slots, x.shape[:-1])
            y = add_delta(x, y, lora_a, lora_b, route, scalings, None)
        elif kind == "hook":
            y = published_hook(x, y, lora_a, lora_b, 2.0)
        y.backward(grad)
        return lora_a.grad, lora_b.grad

    for mine, theirs in zip(step("ours"), step("hook"), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-2)
    peaks = {}
    for kind in ("none", "ours", "hook"):
        before = forget_peak()
        step(kind)
        peaks[kind] = peak_bytes() - before
    variants = {kind: (lambda kind=kind: step(kind)) for kind in ("none", "ours", "hook")}
    times = paired.milliseconds(variants, rounds=5)

    def lora_only(kind: str):
        y = torch.zeros(tasks, length, D, requires_grad=True)
        if kind == "ours":
            route = route_of(slots, x.shape[:-1])
            add_delta(x, y, lora_a, lora_b, route, scalings, None).backward(grad)
        else:
            published_hook(x, y, lora_a, lora_b, 2.0).backward(grad)

    parts = paired.milliseconds({k: (lambda k=k: lora_only(k)) for k in ("ours", "hook")}, rounds=7)
    faster = (times["hook"] - times["none"]) / (times["ours"] - times["none"])
    extra = (peaks["ours"] - peaks["none"]) / (peaks["hook"] - peaks["none"])
    shape = f"8 × 512 tokens, d {D}, r {rank}"
    paired.add(
        "training, LoRA part of forward and backward, beside the published hook",
        shape,
        "≥ 10× faster",
        f"{parts['hook'] / parts['ours']:.1f}× ({parts['hook']:.0f} and {parts['ours']:.0f} ms); "
        f"whole steps {times['hook']:.0f}, {times['ours']:.0f} and "
        f"without adapters {times['none']:.0f} ms",
        faster=faster,
        alone=parts["hook"] / parts["ours"],
        **times,
    )
    paired.add(
        "training, extra peak memory, beside the published hook",
        shape,
        "≤ 1/20",
        f"1/{1 / extra if extra > 0 else float('inf'):.0f} "
        f"({(peaks['ours'] - peaks['none']) / 1e6:.0f} of "
        f"{(peaks['hook'] - peaks['none']) / 1e6:.0f} MB)",
        ratio=extra,
    )
