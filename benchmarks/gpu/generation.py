"""GPU sections about making adapters: heads into slots, and the reconstruction losses.

Each checks its numbers against fp64 before it times them. `impl` and sizes are arguments, so that a
machine without a GPU can run the same code small.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.gpu.timing import captured, microseconds
from t2l_fast.ops import head, head_into_slots, lowrank_l1, lowrank_l2
from t2l_kernel_tools.cost.head import Call
from t2l_kernel_tools.cost.head import head_into_slots as modelled
from t2l_kernels import Impl
from t2l_kernels._core.roofline import GPUS

H100 = GPUS[1]
HEADS = tuple(
    Call(32, adapters, 4096, 512, *rows)
    for adapters in (1, 64, 1000)
    for rows in ((1, 8), (8, 1))  # L and S
)


def heads(device: str, calls: tuple[Call, ...] = HEADS, impl: Impl = "triton") -> list[dict]:
    """Time `head_into_slots` beside a bare GEMM of the same numbers, and beside head and copy."""
    rows = []
    for call in calls:
        operands = _head_operands(call, device)
        latents, weight, bias, slots, out = operands
        head_into_slots(latents, weight, bias, slots=slots, out=out, impl=impl)
        few = slice(0, 1), slice(0, 3)
        exact = head(*(t.double() for t in (latents[few], weight, bias)), impl="torch")
        got = out[:1, slots[:3].long()].double()
        own = (exact.to(call.dtype).double() - exact).abs().max()
        assert (got - exact).abs().max() <= 2 * own + 1e-3, f"{call}: wrong numbers"
        variants = {
            impl: lambda _, o=operands: head_into_slots(*o[:3], slots=o[3], out=o[4], impl=impl),
            "head, then copy": lambda _, o=operands: o[4].index_copy_(1, o[3], head(*o[:3])),
            "bare GEMM": _bare(latents, weight),
        }
        times = _times(variants)
        model = modelled(call)
        rows.append(
            {
                "call": str(call),
                "us": times,
                "TFLOP/s": model.flops / times[impl] / 1e6,
                "modelled us (H100)": 1e6
                * max(model.flops / H100.flops_per_second, model.least / H100.bytes_per_second),
            }
        )
        print(f"  {call.adapters} adapters, weight rows {call.parts}: {_line(times)}")
    return rows


def reconstruction(
    device: str, batch: tuple[int, ...] = (32, 4), width: int = 4096, impl: Impl = "triton"
) -> list[dict]:
    """Measure L1 and L2 with gradients: peak memory at Mistral's size, time beside dense losses."""
    rows = []
    for name, loss in (("L1", lowrank_l1), ("L2", lowrank_l2)):
        # L2 is library matmuls everywhere
        chosen: Impl = impl if name == "L1" else "torch"
        small = _adapters((3,), 45, device, torch.float64)
        exact = _dense(name, *small)
        got = loss(*(t.detach().float() for t in small), impl=chosen)
        assert abs(got.item() / exact.item() - 1) < 1e-4, f"{name}: wrong loss"
        large = _adapters(batch, width, device, torch.bfloat16 if device == "cuda" else None)
        before = _memory(reset=True)
        loss(*large, impl=chosen).backward()
        peak = _memory() - before
        four = _adapters((4,), width, device, None)
        times = _times(
            {
                chosen: lambda _, f=loss, t=four, c=chosen: f(*t, impl=c).backward(),
                "torch": lambda _, f=loss, t=four: f(*t, impl="torch").backward(),
                "dense": lambda _, n=name, t=four: _dense(n, *t).backward(),
            }
        )
        rows.append({"loss": name, "extra MB, gradients included": peak / 1e6, "us": times})
        print(f"  {name}: {peak / 1e6:.0f} MB, {_line(times)}")
    return rows


def _head_operands(call: Call, device: str) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    options = {"device": device, "dtype": call.dtype}
    latents = torch.randn(call.layers, call.adapters, call.latent_rows, call.h, **options)
    weight = torch.randn(call.parts, call.width, call.h, **options) / call.h**0.5
    bias = torch.randn(call.parts, call.width, **options)
    slots = torch.randperm(call.adapters, device=device)
    out = torch.zeros(call.layers, call.adapters, call.rank, call.width, **options)
    return latents, weight, bias, slots, out


def _bare(latents: Tensor, weight: Tensor) -> Callable[[object], Tensor]:
    rows, columns = latents.reshape(-1, latents.shape[-1]), weight.reshape(-1, weight.shape[-1])
    return lambda _: rows @ columns.T


def _adapters(batch, width: int, device: str, dtype: torch.dtype | None) -> list[Tensor]:
    torch.manual_seed(0)
    weights = [torch.randn(*batch, 8, width, device=device, dtype=dtype) / 8 for _ in range(4)]
    return [t.requires_grad_() for t in weights[:2]] + weights[2:]


def _dense(name: str, a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor) -> Tensor:
    difference = b_hat.mT @ a_hat - b.mT @ a
    return difference.abs().mean() if name == "L1" else difference.square().mean()


def _memory(*, reset: bool = False) -> int:
    if not torch.cuda.is_available():
        return 0
    torch.cuda.synchronize()
    if reset:
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    return torch.cuda.max_memory_allocated()


def _times(variants: dict[str, Callable[[object], object]]) -> dict[str, float]:
    """Microseconds; without a GPU the variants run once and have no time."""
    if not torch.cuda.is_available():
        for run in variants.values():
            run(None)
        return dict.fromkeys(variants, float("nan"))
    calls = [None, None]
    return microseconds({n: captured(run, calls) for n, run in variants.items()}, len(calls))


def _line(times: dict[str, float]) -> str:
    return ", ".join(f"{name} {time:.1f} µs" for name, time in times.items())
