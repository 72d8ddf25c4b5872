"""Every operator, declared once: inputs, implementations, peers, bytes, FLOPs, and its check.

A time is printed only of what passed `check` on the same tensors in the same process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add

import torch
from torch import Tensor

from benchmarks.popularity import lengths
from t2l_kernels import Route, cost, lora_expand, lora_shrink, multi_lora
from t2l_kernels.basis import cost as basis_cost
from t2l_kernels.basis.api import basis_lora


@dataclass(frozen=True)
class Shape:
    """One problem: a linear's sizes, tokens under a popularity pattern, a bank of slots."""

    tokens: int
    popularity: str
    width: int = 4096
    rank: int = 16
    num_slots: int | None = None  # None: as many as adapters
    dtype: torch.dtype = torch.float32

    @property
    def lengths(self) -> list[int]:
        return lengths(self.popularity, self.tokens)

    @property
    def batch(self) -> cost.Batch:
        return cost.Batch(
            tuple(self.lengths),
            self.width,
            self.width,
            self.rank,
            self.num_slots,
            len(self.lengths),
            self.dtype,
        )

    def __str__(self) -> str:
        slots = self.num_slots or len(self.lengths)
        return (
            f"{self.tokens} tokens, {self.popularity}: {len(self.lengths)} adapters of {slots} "
            f"slots, d {self.width}, r {self.rank}"
        )


@dataclass
class Inputs:
    """Tensors of one problem; tokens of all adapters are mixed."""

    shape: Shape
    slots: Tensor
    x: Tensor
    y: Tensor
    lora_a: Tensor
    lora_b: Tensor
    scalings: Tensor
    grad: Tensor
    tables: dict[str, object] = field(default_factory=dict)  # what is made once per forward pass

    @classmethod
    def make(cls, shape: Shape, device: str = "cpu", seed: int = 0) -> "Inputs":
        generator = torch.Generator().manual_seed(seed)

        def normal(*size: int) -> Tensor:
            return torch.randn(size, generator=generator).to(device, shape.dtype)

        sizes = torch.tensor(shape.lengths)
        slots_held = shape.num_slots or len(sizes)
        chosen = torch.randperm(slots_held, generator=generator)[: len(sizes)]
        slots = chosen.repeat_interleave(sizes)
        slots = slots[torch.randperm(shape.tokens, generator=generator)]
        return cls(
            shape=shape,
            slots=slots.to(device, torch.int32),
            x=normal(shape.tokens, shape.width),
            y=normal(shape.tokens, shape.width),
            lora_a=normal(slots_held, shape.rank, shape.width) / shape.width**0.5,
            lora_b=normal(slots_held, shape.rank, shape.width),
            scalings=torch.full((slots_held,), 2.0, device=device),
            grad=normal(shape.tokens, shape.width),
        )

    def route(self, impl: str) -> Route:
        """Built once, as in a model: every layer of a forward pass reads the same."""

        def build() -> Route:
            bound = len(self.shape.lengths)
            return Route.from_tokens(self.slots, max_segments=bound, impl=impl)

        return self.once(impl, build)

    def once(self, name: str, make: Callable[[], object]):
        """What `make` returned when it was first asked for this name."""
        if name not in self.tables:
            self.tables[name] = make()
        return self.tables[name]


Run = Callable[[Inputs], Tensor]


@dataclass(frozen=True)
class Op:
    """One operator and its rivals: each returns what `truth` returns, to its dtype's error."""

    name: str
    truth: Run  # fp64
    implementations: dict[str, Run]
    peers: dict[str, Run]
    cost: Callable[[cost.Batch], cost.Cost]

    def check(self, name: str, inputs: Inputs) -> None:
        """Raise unless the implementation or peer is right on these inputs.

        Raises:
            AssertionError: it errs by more than four times what plain torch does in this dtype.
        """
        exact = self.truth(_as(inputs, torch.float64))
        plain = self.truth(inputs).double()
        allowed = 4 * (plain - exact).abs().max() + 1e-3
        fresh = replace(inputs, y=inputs.y.clone())
        error = ((self.implementations | self.peers)[name](fresh).double() - exact).abs().max()
        assert error <= allowed, f"{self.name}, {name}: error {error:.3g}, allowed {allowed:.3g}"


def _as(inputs: Inputs, dtype: torch.dtype) -> Inputs:
    names = ("x", "y", "lora_a", "lora_b", "grad")
    return replace(inputs, **{name: getattr(inputs, name).to(dtype) for name in names})


def _ours(impl: str) -> Run:
    def run(i: Inputs) -> Tensor:
        route = i.route(impl)
        s = lora_shrink(i.x, i.lora_a, route, impl=impl)
        lora_expand(s, i.lora_b, route, scalings=i.scalings, out=i.y, impl=impl)
        return i.y

    return run


def _shrink(impl: str) -> Run:
    return lambda i: lora_shrink(i.x, i.lora_a, i.route(impl), impl=impl).sum(0)


def _shrink_by_adapter(i: Inputs) -> Tensor:
    s = i.x.new_zeros(i.x.shape[0], i.lora_a.shape[1])
    for slot in i.slots.unique().tolist():
        rows = (i.slots == slot).nonzero().flatten()
        s[rows] = i.x[rows] @ i.lora_a[slot].T
    return s


def _shrink_bmm_gather(i: Inputs) -> Tensor:
    return torch.bmm(i.lora_a[i.slots.long()], i.x.unsqueeze(2)).squeeze(2)


def _projected(i: Inputs) -> Tensor:
    """s `[1, T, R]` in the accumulator's dtype, the same for all."""
    return i.once(
        f"s {i.x.dtype}", lambda: lora_shrink(i.x, i.lora_a, i.route("torch"), impl="torch")
    )


def _expand(impl: str) -> Run:
    def run(i: Inputs) -> Tensor:
        route, s = i.route(impl), _projected(i)
        lora_expand(s, i.lora_b, route, scalings=i.scalings, out=i.y, impl=impl)
        return i.y

    return run


def _expand_by_adapter(i: Inputs) -> Tensor:
    s = _projected(i)[0].to(i.y.dtype)
    for slot in i.slots.unique().tolist():
        rows = (i.slots == slot).nonzero().flatten()
        i.y.index_add_(0, rows, s[rows] @ i.lora_b[slot] * i.scalings[slot].to(s.dtype))
    return i.y


def _expand_bmm_gather(i: Inputs) -> Tensor:
    slots = i.slots.long()
    s = _projected(i)[0].to(i.y.dtype)
    delta = torch.bmm(s.unsqueeze(1), i.lora_b[slots]).squeeze(1)
    return i.y.addcmul_(delta, i.scalings[slots].to(delta.dtype)[:, None])


def by_adapter(i: Inputs) -> Tensor:
    """A loop over the batch's adapters, each with its rows gathered: PEFT's way."""
    for slot in i.slots.unique().tolist():
        rows = (i.slots == slot).nonzero().flatten()
        delta = i.x[rows] @ i.lora_a[slot].T @ i.lora_b[slot]
        i.y.index_add_(0, rows, delta * i.scalings[slot].to(delta.dtype))
    return i.y


def bmm_gather(i: Inputs) -> Tensor:
    """Every token's A and B gathered, two batched matmuls (S-LoRA's baseline)."""
    slots = i.slots.long()
    s = torch.bmm(i.lora_a[slots], i.x.unsqueeze(2))
    delta = torch.bmm(s.transpose(1, 2), i.lora_b[slots]).squeeze(1)
    return i.y.addcmul_(delta, i.scalings[slots].to(delta.dtype)[:, None])


def all_slots(i: Inputs) -> Tensor:
    """One dense GEMM against every slot's A, masked, and one against every B."""
    count, rank, width = i.lora_a.shape
    s = (i.x @ i.lora_a.view(count * rank, width).T).view(-1, count, rank)
    mine = torch.zeros(i.x.shape[0], count, 1, dtype=s.dtype, device=s.device)
    slots = i.slots.long()
    mine.scatter_(1, slots[:, None, None], i.scalings[slots].to(s.dtype)[:, None, None])
    return i.y.addmm_((s * mine).view(-1, count * rank), i.lora_b.view(count * rank, -1))


def grouped_mm(i: Inputs) -> Tensor:
    """torch's grouped GEMM over rows sorted by adapter."""
    order = i.slots.argsort(stable=True)
    slots, counts = i.slots[order].unique_consecutive(return_counts=True)
    ends = counts.cumsum(0).int()
    a, b = i.lora_a[slots.long()], i.lora_b[slots.long()]
    s = torch.nn.functional.grouped_mm(i.x[order], a.transpose(1, 2), offs=ends)
    delta = torch.nn.functional.grouped_mm(s, b, offs=ends)
    delta *= i.scalings[i.slots[order].long()].to(delta.dtype)[:, None]
    return i.y.index_add_(0, order, delta)


def _step(i: Inputs, run: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
    """Forward and backward; the three gradients, side by side."""
    leaves = [t.detach().requires_grad_() for t in (i.x, i.lora_a, i.lora_b)]
    grads = torch.autograd.grad(run(*leaves), leaves, i.grad)
    return torch.cat([g.flatten() for g in grads])


def _our_step(impl: str) -> Run:
    def run(i: Inputs) -> Tensor:
        def layer(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
            route = i.route(impl)
            return multi_lora(x, a, b, route, scalings=i.scalings, residual=i.y, impl=impl)

        return _step(i, layer)

    return run


def published_hook(i: Inputs) -> Tensor:
    """Text-to-LoRA's training hook: A and B repeated for every token, then batched matmuls."""
    slots = i.slots.long()

    def layer(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        s = torch.bmm(a[slots], x.unsqueeze(2))
        delta = torch.bmm(b[slots].transpose(1, 2), s).squeeze(2)
        return i.y + delta * i.scalings[slots].to(delta.dtype)[:, None]

    return _step(i, layer)


def step_by_adapter(i: Inputs) -> Tensor:
    """A loop over the batch's adapters with autograd."""

    def layer(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        out = i.y
        for slot in i.slots.unique().tolist():
            rows = (i.slots == slot).nonzero().flatten()
            delta = x[rows] @ a[slot].T @ b[slot] * i.scalings[slot].to(x.dtype)
            out = out.index_add(0, rows, delta)
        return out

    return _step(i, layer)


HIDDEN = 512
"""Of the shared bases (`head_in_size` of the published Mistral recipe)."""


def _basis(i: Inputs) -> tuple[Tensor, ...]:
    """Shared bases and every slot's cores, in the inputs' dtype."""

    def make() -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(0)
        width, rank, slots = i.shape.width, i.shape.rank, i.lora_a.shape[0]
        sizes = ((HIDDEN, width), (slots, rank, HIDDEN), (slots, rank, HIDDEN), (width, HIDDEN))
        made = (torch.randn(size, generator=generator) / size[-1] ** 0.5 for size in sizes)
        return tuple(t.to(i.x.device, i.shape.dtype) for t in made)

    return tuple(t.to(i.x.dtype) for t in i.once("basis", make))


def _materialised(i: Inputs) -> Inputs:
    basis_a, core_a, core_b, basis_b = _basis(i)
    return replace(i, lora_a=core_a @ basis_a, lora_b=core_b @ basis_b.T)


def _basis_lora(impl: str) -> Run:
    return lambda i: basis_lora(
        i.x, *_basis(i), i.route(impl), scalings=i.scalings, residual=i.y, impl=impl
    )


def _materialised_lora(i: Inputs) -> Tensor:
    """The same adapters as A and B, made once."""
    own = i.once(f"materialised {i.x.dtype}", lambda: _materialised(i))
    route = i.route("torch" if i.x.device.type == "cpu" else "triton")
    return multi_lora(i.x, own.lora_a, own.lora_b, route, scalings=i.scalings, residual=i.y)


OPS = {
    "shrink": Op(
        name="lora_shrink",
        truth=_shrink_by_adapter,
        implementations={"triton": _shrink("triton"), "torch": _shrink("torch")},
        peers={"loop over adapters": _shrink_by_adapter, "bmm gather": _shrink_bmm_gather},
        cost=lambda batch: cost.shrink(batch, batch.in_features),
    ),
    "expand": Op(
        name="lora_expand in place",
        truth=lambda i: _expand_by_adapter(replace(i, y=i.y.clone())),
        implementations={"triton": _expand("triton"), "torch": _expand("torch")},
        peers={"loop over adapters": _expand_by_adapter, "bmm gather": _expand_bmm_gather},
        cost=lambda batch: cost.expand(batch, batch.out_features),
    ),
    "inference": Op(
        name="inference: shrink, expand in place",
        truth=lambda i: by_adapter(replace(i, y=i.y.clone())),
        implementations={"triton": _ours("triton"), "torch": _ours("torch")},
        peers={
            "loop over adapters": by_adapter,
            "bmm gather": bmm_gather,
            "all slots": all_slots,
            "grouped_mm": grouped_mm,
        },
        cost=cost.forward,
    ),
    "basis": Op(
        name=f"basis_lora, h {HIDDEN}",
        truth=lambda i: by_adapter(replace(_materialised(i), y=i.y.clone())),
        implementations={"triton": _basis_lora("triton"), "torch": _basis_lora("torch")},
        peers={"materialised": _materialised_lora},
        cost=lambda batch: reduce(add, basis_cost.inference(batch, HIDDEN)),
    ),
    "training": Op(
        name="training: forward, dx, dA, dB",
        truth=step_by_adapter,
        implementations={"triton": _our_step("triton"), "torch": _our_step("torch")},
        peers={"loop over adapters": step_by_adapter, "published T2L hook": published_hook},
        cost=cost.training,
    ),
}
