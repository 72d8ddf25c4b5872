"""Heads: fp64 truth, gradients, and rows in slots without a trace elsewhere."""

import math

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import ArgumentError
from t2l_kernels.heads import torch_impl
from t2l_kernels.heads.api import head, head_into_slots
from t2l_kernels.heads.library import head_into_slots as operator

LAYERS, ADAPTERS, RANK, WIDTH, H = 3, 5, 4, 11, 6
SLOTS = torch.tensor([4, 5, -1, 0, 7])
KINDS = ["L", "M", "S", "one each", "rank 1"]


class Case:
    """`weight` and `latents` as the three architectures make them."""

    def __init__(self, kind: str, dtype=torch.float64, *, extras=False, bias=True) -> None:
        torch.manual_seed(0)
        rank = 1 if kind == "rank 1" else RANK
        parts = 1 if kind == "S" else rank
        self.latents = torch.randn(LAYERS, ADAPTERS, rank if kind in ("S", "one each") else 1, H)
        wide = torch.randn(parts, WIDTH + 3, H)
        self.weight = wide[:, :WIDTH] if kind == "M" else wide[:, :WIDTH].clone()
        self.bias = torch.randn(parts, WIDTH) if bias else None
        names = ("offset", "mean", "std")
        self.extras = {n: torch.randn(LAYERS, rank, WIDTH) for n in names} if extras else {}
        for name in ("latents", "weight", "bias"):
            value = getattr(self, name)
            setattr(self, name, None if value is None else value.to(dtype))
        self.extras = {n: e.to(dtype) for n, e in self.extras.items()}

    def truth(self) -> torch.Tensor:
        out = torch.einsum(
            "lnrh,rdh->lnrd",
            self.latents.double().expand(-1, -1, self.rank, -1),
            self.weight.double().expand(self.rank, -1, -1),
        )
        out = out if self.bias is None else out + self.bias.double()
        extras = {n: e.double()[:, None] for n, e in self.extras.items()}
        return (out + extras["offset"]) * extras["std"] + extras["mean"] if extras else out

    @property
    def rank(self) -> int:
        return max(self.latents.shape[2], self.weight.shape[0])


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("extras", [False, True], ids=["plain", "offset, mean, std"])
@pytest.mark.parametrize("impl", ["torch", "reference"])
@pytest.mark.parametrize("kind", KINDS)
def test_head_is_its_formula(kind, impl, extras, bias):
    case = Case(kind, extras=extras, bias=bias)
    got = head(case.latents, case.weight, case.bias, **case.extras, impl=impl)
    torch.testing.assert_close(got, case.truth(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_all_inputs(kind):
    case = Case(kind, extras=True)
    inputs = [case.latents, case.weight.contiguous(), case.bias, *case.extras.values()]

    def run(latents, weight, bias, offset, mean, std):
        return head(latents, weight, bias, offset=offset, mean=mean, std=std)

    assert torch.autograd.gradcheck(run, [t.requires_grad_() for t in inputs], fast_mode=True)


@pytest.mark.parametrize("extras", [False, True], ids=["plain", "offset, mean, std"])
@pytest.mark.parametrize("room", [RANK, RANK + 2], ids=["full rank", "wider slab"])
@pytest.mark.parametrize("out_dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("impl", ["torch", "reference"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_land_in_their_slots_and_nowhere_else(kind, impl, out_dtype, room, extras):
    case = Case(kind, torch.float32, extras=extras)
    out = torch.full((LAYERS, 9, room, WIDTH), math.nan, dtype=out_dtype)
    head_into_slots(
        case.latents, case.weight, case.bias, slots=SLOTS, out=out, **case.extras, impl=impl
    )
    live = SLOTS >= 0
    slack = {"rtol": 1e-5, "atol": 1e-5} if out_dtype == torch.float32 else {}
    torch.testing.assert_close(
        out[:, SLOTS[live], : case.rank], case.truth()[:, live].to(out_dtype), **slack
    )
    untouched = out.clone()
    untouched[:, SLOTS[live], : case.rank] = math.nan
    assert untouched.isnan().all()


@pytest.mark.parametrize("extras", [False, True], ids=["plain", "offset, mean, std"])
@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_every_tile_get_their_own_bias_and_extras(kind, extras, monkeypatch):
    """Three tiles of columns, the last one ragged; and no product is wider than its tile."""
    monkeypatch.setitem(globals(), "WIDTH", 2 * 256 + 30)
    monkeypatch.setattr(torch_impl, "_TILE_BYTES", 1)
    widths = []
    real = torch_impl._product
    monkeypatch.setattr(
        torch_impl, "_product", lambda x, w, b: widths.append(w.shape[0]) or real(x, w, b)
    )
    case = Case(kind, torch.float32, extras=extras)
    out = torch.zeros(LAYERS, 9, RANK, WIDTH)
    head_into_slots(
        case.latents, case.weight, case.bias, slots=SLOTS, out=out, **case.extras, impl="torch"
    )
    live = SLOTS >= 0
    torch.testing.assert_close(
        out[:, SLOTS[live], : case.rank].double(), case.truth()[:, live], rtol=1e-4, atol=1e-4
    )
    assert set(widths) == {256, 30}


def test_autocast_changes_no_row():
    case = Case("L", torch.float32)
    outs = [torch.zeros(LAYERS, 9, RANK, WIDTH) for _ in range(2)]
    for out, enabled in zip(outs, (True, False), strict=True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            head_into_slots(case.latents, case.weight, case.bias, slots=SLOTS, out=out)
    assert torch.equal(*outs)


def test_no_adapters_and_no_live_slot_are_fine():
    case = Case("L", torch.float32)
    out = torch.zeros(LAYERS, 2, RANK, WIDTH)
    none = torch.full((ADAPTERS,), -1)
    head_into_slots(case.latents, case.weight, case.bias, slots=none, out=out)
    head_into_slots(case.latents[:, :0], case.weight, case.bias, slots=none[:0], out=out)
    assert (out == 0).all()
    assert head(case.latents[:, :0], case.weight, case.bias).shape == (LAYERS, 0, RANK, WIDTH)


def test_operator_passes_opcheck():
    case = Case("L", torch.float32)
    out = torch.zeros(LAYERS, 9, RANK, WIDTH)
    opcheck(operator, (case.latents, case.weight, case.bias, None, None, None, SLOTS, out, "torch"))


@pytest.mark.slow
def test_fullgraph_compile():
    case = Case("S", torch.float32)
    out = torch.zeros(LAYERS, 9, RANK, WIDTH)

    def run(latents):
        head_into_slots(latents, case.weight, case.bias, slots=SLOTS, out=out)
        return head(latents, case.weight, case.bias)

    compiled = torch.compile(run, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(case.latents), run(case.latents))


BAD = {
    "weight must have shape": lambda c, o: setattr(c, "weight", c.weight[..., :-1]),
    "weight must be torch.float32 like latents": lambda c, o: setattr(
        c, "weight", c.weight.double()
    ),
    "bias must have shape": lambda c, o: setattr(c, "bias", c.bias[:-1]),
    "latents must have 1 or 4 rank rows, got 3": lambda c, o: setattr(
        c, "latents", c.latents.expand(-1, -1, 3, -1)
    ),
    "std must have shape": lambda c, o: c.extras.update(std=torch.ones(LAYERS, 1, WIDTH)),
    "out must have shape": lambda c, o: o.update(out=torch.zeros(LAYERS, 9, RANK, WIDTH + 1)),
    "out must hold rank 4, got room for 3 rows": lambda c, o: o.update(
        out=torch.zeros(LAYERS, 9, 3, WIDTH)
    ),
    r"slots must lie in \[-1, 8\]": lambda c, o: o.update(slots=SLOTS + 2),
    "slots must all be different, got slot 3": lambda c, o: o.update(
        slots=torch.full((ADAPTERS,), 3)
    ),
    "slots must have shape": lambda c, o: o.update(slots=SLOTS[:-1]),
    "head_into_slots is not differentiable": lambda c, o: c.weight.requires_grad_(),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    case = Case("L", torch.float32)
    options = {"out": torch.zeros(LAYERS, 9, RANK, WIDTH), "slots": SLOTS}
    BAD[message](case, options)
    before = options["out"].clone()
    with pytest.raises(ArgumentError, match=message):
        head_into_slots(case.latents, case.weight, case.bias, **case.extras, **options)
    assert torch.equal(options["out"], before)
