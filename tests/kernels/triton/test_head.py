"""The head's kernel: fp64 truth behind guard bands, other slots untouched, bits of its row."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.library import opcheck

from t2l_kernel_tools.cost.head import Call
from t2l_kernel_tools.cost.head import head_into_slots as head_into_slots_cost
from t2l_kernels import ArgumentError
from t2l_kernels.heads import launch
from t2l_kernels.heads.api import head_into_slots
from t2l_kernels.heads.library import head_into_slots as operator
from tests.kernels.test_head import ADAPTERS, KINDS, LAYERS, RANK, SLOTS, WIDTH, Case
from tests.kernels.triton.conftest import DEVICE

DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def run_guarded(case: Case, guards, slots=SLOTS, room: int = RANK + 2) -> torch.Tensor:
    """The slab after a launch, every operand between bands of poison."""
    held = [guards.hold(t) for t in (case.latents, case.weight.contiguous(), case.bias)]
    extras = tuple(guards.hold(case.extras.get(name)) for name in ("offset", "mean", "std"))
    out = guards._buffer(torch.Size((LAYERS, 9, room, WIDTH)), case.latents.dtype)
    launch.head_into_slots(*held, extras, guards.hold(slots.int()), out)
    guards.check()
    return out.cpu()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("extras", [False, True], ids=["plain", "offset, mean, std"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_match_fp64_truth_and_other_slots_stay(kind, extras, dtype, guards):
    case = Case(kind, dtype, extras=extras)
    out = run_guarded(case, guards)
    live = SLOTS >= 0
    exact = case.truth()[:, live]
    own_error = (exact.to(dtype).double() - exact).abs().max()
    factor = 4 if DEVICE == "cpu" and dtype == torch.bfloat16 else 2  # see test_lora.close
    error = (out[:, SLOTS[live], : case.rank].double() - exact).abs().max()
    assert error <= factor * own_error + (1e-5 if dtype == torch.float32 else 1e-3)
    rest = out.clone()
    rest[:, SLOTS[live], : case.rank] = float("nan")
    assert rest.isnan().all(), "written outside the rows of its slots"


@pytest.mark.interpreted  # a GPU has its own tiles
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_a_strided_weight_and_sizes_beyond_a_tile(arch, monkeypatch):
    monkeypatch.setattr(launch, "arch_of", lambda device: arch)
    torch.manual_seed(0)
    case = Case("M", torch.float16)
    case.latents = torch.randn(2, 90, 1, 80).half()
    wide = torch.randn(3, 300, 80).half()
    case.weight, case.bias = wide[:, :270], torch.randn(3, 270).half()
    slots = torch.randperm(100)[:90]
    out = torch.zeros(2, 100, 3, 270, dtype=torch.float16, device=DEVICE)
    there = [t.to(DEVICE) for t in (case.latents, wide, case.bias, slots)]
    launch.head_into_slots(
        there[0], there[1][:, :270], there[2], (None, None, None), there[3].int(), out
    )
    exact = case.truth()
    error = (out.cpu()[:, slots].double() - exact).abs().max()
    assert error <= 2 * (exact.half().double() - exact).abs().max() + 1e-3


CALLS = {
    "L": Call(2, 70, 4096, 512, parts=2, dtype=torch.float16, out_dtype=torch.float16),
    "S": Call(2, 40, 1024, 512, 4, 1, dtype=torch.float16, out_dtype=torch.float16),
    "S, extras": Call(
        1, 40, 512, 256, 4, 1, extras=2, dtype=torch.float16, out_dtype=torch.float16
    ),
    "a few rows": Call(
        3, 1, 512, 512, parts=2, bias=False, dtype=torch.float16, out_dtype=torch.float16
    ),
}


@pytest.mark.interpreted
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize("kind", CALLS)
def test_bytes_are_those_of_the_tile_formula(kind, arch, monkeypatch):
    from t2l_kernel_tools.traffic import count_traffic

    monkeypatch.setattr(launch, "arch_of", lambda device: arch)
    call = replace(CALLS[kind], arch=arch)
    zeros = partial(torch.zeros, dtype=call.dtype)
    latents = zeros(call.layers, call.adapters, call.latent_rows, call.h)
    weight = zeros(call.parts, call.width, call.h)
    bias = zeros(call.parts, call.width) if call.bias else None
    extra = zeros(call.layers, call.rank, call.width)
    extras = tuple(extra if i < call.extras else None for i in range(3))
    out = zeros(call.layers, call.adapters, call.rank, call.width)
    with count_traffic() as traffic:
        launch.head_into_slots(latents, weight, bias, extras, torch.arange(call.adapters), out)
    modelled = head_into_slots_cost(call)
    assert traffic.issued == pytest.approx(modelled.issued, rel=0.005)  # the bar is 1.1 ×
    assert traffic.distinct <= 1.01 * modelled.least
    assert (traffic.programs, traffic.useful) == (modelled.programs, modelled.useful)


@pytest.mark.usefixtures("row_invariant_dot")
@pytest.mark.parametrize("kind", ["L", "S"])
def test_an_adapter_alone_equals_itself_in_company(kind, guards):
    case = Case(kind, torch.float32)
    together = run_guarded(case, guards)
    alone = Case(kind, torch.float32)
    alone.latents = alone.latents[:, 3:4].contiguous()
    slots = torch.tensor([6])
    got = run_guarded(alone, guards, slots)
    assert torch.equal(got[:, 6, :RANK], together[:, int(SLOTS[3]), :RANK])


def test_operator_passes_opcheck():
    case = Case("S", torch.float32)
    out = torch.zeros(LAYERS, 9, RANK, WIDTH, device=DEVICE)
    held = [t.to(DEVICE) for t in (case.latents, case.weight, case.bias)]
    opcheck(operator, (*held, None, None, None, SLOTS.to(DEVICE), out, "triton"))


@pytest.mark.parametrize("name", ["out", "bias", "weight"])
def test_layouts_that_the_kernel_can_not_read_are_refused(name):
    case = Case("L", torch.float32)
    out = torch.zeros(LAYERS, 9, RANK, WIDTH, device=DEVICE)
    held = {"latents": case.latents, "weight": case.weight, "bias": case.bias}
    held = {n: t.to(DEVICE) for n, t in held.items()} | {"out": out}
    held[name] = held[name].repeat_interleave(2, dim=-1)[..., ::2]
    with pytest.raises(ArgumentError, match=f"{name}.* must be contiguous"):
        head_into_slots(
            held["latents"], held["weight"], held["bias"],
            slots=torch.arange(ADAPTERS), out=held["out"], impl="triton",
        )  # fmt: skip
