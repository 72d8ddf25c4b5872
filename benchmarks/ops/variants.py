"""What can run a problem: our operators by implementation, and what others would do.

Each takes `Inputs` and returns the operator's result; those that add in place change `y`.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.ops.inputs import Inputs
from t2l_kernels import Impl, lora_expand, lora_shrink, multi_lora
from t2l_kernels.basis.api import basis_lora

Run = Callable[[Inputs], Tensor]


def ours(impl: Impl) -> Run:
    """Return a run of shrink and expand in place."""

    def run(i: Inputs) -> Tensor:
        route = i.route(impl)
        s = lora_shrink(i.x, i.lora_a, route, impl=impl)
        lora_expand(s, i.lora_b, route, scalings=i.scalings, out=i.y, impl=impl)
        return i.y

    return run


def shrink(impl: Impl) -> Run:
    """Return a run of `lora_shrink`, its planes summed."""
    return lambda i: lora_shrink(i.x, i.lora_a, i.route(impl), impl=impl).sum(0)


def shrink_by_adapter(i: Inputs) -> Tensor:
    """Loop over the batch's adapters, a matmul each."""
    s = i.x.new_zeros(i.x.shape[0], i.lora_a.shape[1])
    for slot in i.slots.unique().tolist():
        rows = (i.slots == slot).nonzero().flatten()
        s[rows] = i.x[rows] @ i.lora_a[slot].T
    return s


def shrink_bmm_gather(i: Inputs) -> Tensor:
    """Gather every token's A, then one batched matmul."""
    return torch.bmm(i.lora_a[i.slots.long()], i.x.unsqueeze(2)).squeeze(2)


def _projected(i: Inputs) -> Tensor:
    """s `[1, T, R]` in the accumulator's dtype, the same for all."""
    return i.once(
        f"s {i.x.dtype}", lambda: lora_shrink(i.x, i.lora_a, i.route("torch"), impl="torch")
    )


def expand(impl: Impl) -> Run:
    """Return a run of `lora_expand` in place."""

    def run(i: Inputs) -> Tensor:
        route, s = i.route(impl), _projected(i)
        lora_expand(s, i.lora_b, route, scalings=i.scalings, out=i.y, impl=impl)
        return i.y

    return run


def expand_by_adapter(i: Inputs) -> Tensor:
    """Loop over the batch's adapters, a matmul each."""
    s = _projected(i)[0].to(i.y.dtype)
    for slot in i.slots.unique().tolist():
        rows = (i.slots == slot).nonzero().flatten()
        i.y.index_add_(0, rows, s[rows] @ i.lora_b[slot] * i.scalings[slot].to(s.dtype))
    return i.y


def expand_bmm_gather(i: Inputs) -> Tensor:
    """Gather every token's B, then one batched matmul."""
    slots = i.slots.long()
    s = _projected(i)[0].to(i.y.dtype)
    delta = torch.bmm(s.unsqueeze(1), i.lora_b[slots]).squeeze(1)
    return i.y.addcmul_(delta, i.scalings[slots].to(delta.dtype)[:, None])


def by_adapter(i: Inputs) -> Tensor:
    """Loop over the batch's adapters, each with its rows gathered: PEFT's way."""
    for slot in i.slots.unique().tolist():
        rows = (i.slots == slot).nonzero().flatten()
        delta = i.x[rows] @ i.lora_a[slot].T @ i.lora_b[slot]
        i.y.index_add_(0, rows, delta * i.scalings[slot].to(delta.dtype))
    return i.y


def bmm_gather(i: Inputs) -> Tensor:
    """Gather every token's A and B, then two batched matmuls (S-LoRA's baseline)."""
    slots = i.slots.long()
    s = torch.bmm(i.lora_a[slots], i.x.unsqueeze(2))
    delta = torch.bmm(s.transpose(1, 2), i.lora_b[slots]).squeeze(1)
    return i.y.addcmul_(delta, i.scalings[slots].to(delta.dtype)[:, None])


def all_slots(i: Inputs) -> Tensor:
    """Multiply by every slot's A in one dense GEMM, mask, multiply by every B."""
    count, rank, width = i.lora_a.shape
    s = (i.x @ i.lora_a.view(count * rank, width).T).view(-1, count, rank)
    mine = torch.zeros(i.x.shape[0], count, 1, dtype=s.dtype, device=s.device)
    slots = i.slots.long()
    mine.scatter_(1, slots[:, None, None], i.scalings[slots].to(s.dtype)[:, None, None])
    return i.y.addmm_((s * mine).view(-1, count * rank), i.lora_b.view(count * rank, -1))


def grouped_mm(i: Inputs) -> Tensor:
    """Run torch's grouped GEMM over rows sorted by adapter."""
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


def our_step(impl: Impl) -> Run:
    """Return a run of `multi_lora` forward and backward."""

    def run(i: Inputs) -> Tensor:
        def layer(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
            route = i.route(impl)
            return multi_lora(x, a, b, route, scalings=i.scalings, residual=i.y, impl=impl)

        return _step(i, layer)

    return run


def published_hook(i: Inputs) -> Tensor:
    """Run Text-to-LoRA's training hook: A and B repeated for every token, then batched matmuls."""
    slots = i.slots.long()

    def layer(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        s = torch.bmm(a[slots], x.unsqueeze(2))
        delta = torch.bmm(b[slots].transpose(1, 2), s).squeeze(2)
        return i.y + delta * i.scalings[slots].to(delta.dtype)[:, None]

    return _step(i, layer)


def step_by_adapter(i: Inputs) -> Tensor:
    """Loop over the batch's adapters with autograd."""

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


def _basis(i: Inputs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Shared bases and every slot's cores, in the inputs' dtype."""

    def draw() -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(0)
        width, rank, slots = i.shape.width, i.shape.rank, i.lora_a.shape[0]
        sizes = ((HIDDEN, width), (slots, rank, HIDDEN), (slots, rank, HIDDEN), (width, HIDDEN))
        weights = (torch.randn(size, generator=generator) / size[-1] ** 0.5 for size in sizes)
        return tuple(t.to(i.x.device, i.shape.dtype) for t in weights)

    basis_a, core_a, core_b, basis_b = (t.to(i.x.dtype) for t in i.once("basis", draw))
    return basis_a, core_a, core_b, basis_b


def materialised(i: Inputs) -> Inputs:
    """Return the same problem with the cores over bases multiplied out into A and B."""
    basis_a, core_a, core_b, basis_b = _basis(i)
    return replace(i, lora_a=core_a @ basis_a, lora_b=core_b @ basis_b.T)


def our_basis(impl: Impl) -> Run:
    """Return a run of `basis_lora` with a residual."""

    def run(i: Inputs) -> Tensor:
        route = i.route(impl)
        return basis_lora(i.x, *_basis(i), route, scalings=i.scalings, residual=i.y, impl=impl)

    return run


def materialised_lora(i: Inputs) -> Tensor:
    """Run `multi_lora` on the same adapters as A and B, multiplied out once."""
    own = i.once(f"materialised {i.x.dtype}", lambda: materialised(i))
    route = i.route("torch" if i.x.device.type == "cpu" else "triton")
    return multi_lora(i.x, own.lora_a, own.lora_b, route, scalings=i.scalings, residual=i.y)
