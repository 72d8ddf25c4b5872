"""The fast path without a kernel: one batched matmul per stretch of segments, in place.

Nothing is copied per token. Adapters are read as views of the slab where a stretch covers
consecutive slots or is a single segment. A stretch of short segments or of small adapters over
scattered slots gathers each of its adapters once. docs/developers/operators.md has what was
tried and lost.

Arguments have the names and shapes of `t2l_kernels.lora.api`, unless a docstring says otherwise.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from t2l_kernels._core.checks import check_ranks, check_slot_range
from t2l_kernels._core.shapes import flat
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.routing.route import Route
from t2l_kernels.routing.torch_impl import LONG_RUN

_GATHER_BYTES = 2 << 20
"""Adapters gathered at once: a copy that stays in the cache until the matmul has read it."""

_SMALL_BYTES = 64 << 10
"""Adapters that are gathered for long segments too: a call costs more than such a copy."""


class Stretch(NamedTuple):
    """`count` segments of `length` tokens each, from position `start`, all of one live rank."""

    slots: Tensor  # [count] int64, for gathers
    first_slot: int
    consecutive: bool
    count: int
    length: int
    start: int
    rank: int

    def rows(self, ordered: Tensor) -> Tensor:
        """View `[count, length, d]` of rows in route order."""
        stop = self.start + self.count * self.length
        return ordered[self.start : stop].view(self.count, self.length, ordered.shape[1])

    def adapters(self, weight: Tensor) -> Tensor:
        """Return `[count, rank, d]` of a slab `[S, R, d]`: a view, or one copy per adapter."""
        if self.consecutive:
            return weight[self.first_slot : self.first_slot + self.count, : self.rank]
        return weight[:, : self.rank].index_select(0, self.slots)

    def accumulate(self, grad: Tensor, left: Tensor, right: Tensor) -> None:
        """Add leftᵀ right to grad[slots], over the tokens of each segment."""
        if self.consecutive:
            grad[self.first_slot : self.first_slot + self.count, : self.rank].baddbmm_(
                left.transpose(1, 2), right
            )
        else:
            product = torch.bmm(left.transpose(1, 2), right)
            grad[:, : self.rank].index_add_(0, self.slots, product)


def plan(route: Route, ranks: Tensor | None, *weights: Tensor) -> list[Stretch]:
    """Cut the route's stretches where the live rank changes or a gather grows large."""
    num_slots, rank_max = weights[0].shape[:2]
    largest = max(rank_max * w.shape[2] * w.element_size() for w in weights)
    gathered = max(1, _GATHER_BYTES // max(largest, 1))
    num_segments, num_stretches, *_ = route.summary.tolist()
    slots = route.segment_slots[:num_segments]
    starts = route.segment_starts[: num_segments + 1].tolist()
    sizes = route.stretches[:num_stretches].tolist()
    ids = slots.tolist()
    check_slot_range(ids, num_slots)
    index = slots.long()
    live = [rank_max] * num_segments if ranks is None else ranks[index.clamp(min=0)].tolist()
    check_ranks(live, rank_max)
    planned: list[Stretch] = []
    stop = 0
    for size in sizes:
        first, stop = stop, stop + size
        while first < stop:
            length = starts[first + 1] - starts[first]
            run = first + 1
            while run < stop and ids[run] == ids[run - 1] + 1:
                run += 1
            gathers = run < stop and (length < LONG_RUN or largest <= _SMALL_BYTES)
            limit = min(stop, first + gathered) if gathers else run
            last = first + 1
            while last < limit and live[last] == live[first]:
                last += 1
            if ids[first] >= 0 and live[first] > 0:
                planned.append(
                    Stretch(
                        slots=index[first:last],
                        first_slot=ids[first],
                        consecutive=last <= run,
                        count=last - first,
                        length=length,
                        start=starts[first],
                        rank=live[first],
                    )
                )
            first = last
    return planned


def matmul(left: Tensor, right: Tensor) -> Tensor:
    """Multiply `[n, a, b] @ [n, b, c]`; a single matrix goes to `mm`, which is faster."""
    if left.shape[0] == 1:
        return torch.mm(left[0], right[0]).unsqueeze(0)
    return torch.bmm(left, right)


def in_order(rows: Tensor, route: Route) -> Tensor:
    """Return rows in route order: themselves where the order is the identity, else a gather."""
    return rows if int(route.summary[2]) else rows.index_select(0, route.order)


def shrink_ordered(rows: Tensor, lora_a: Tensor, stretches: list[Stretch]) -> Tensor:
    """Return s `[T, R]` of rows `[T, in]`, both in route order; zero for slot −1."""
    s = rows.new_zeros((rows.shape[0], lora_a.shape[1]), dtype=accumulator(rows.dtype))
    for stretch in stretches:
        a = stretch.adapters(lora_a)
        stretch.rows(s)[..., : stretch.rank] = matmul(stretch.rows(rows), a.transpose(1, 2))
    return s


def expand_ordered(
    s: Tensor, lora_b: Tensor, route: Route, scalings: Tensor, stretches: list[Stretch], out: Tensor
) -> None:
    """Add every stretch's delta to its rows of `out` (token order); other rows are not touched.

    Args:
        s: `[T, R]` in route order.
        lora_b: `[S, R, out]`.
        route: of the T tokens.
        scalings: `[S]` fp32.
        stretches: of the route.
        out: `[T, out]` in token order.
    """
    identity = bool(route.summary[2])
    for stretch in stretches:
        b = stretch.adapters(lora_b)
        scaling = scalings[stretch.slots].to(s.dtype)[:, None, None]
        scaled = stretch.rows(s)[..., : stretch.rank] * scaling
        if identity and out.dtype == s.dtype and b.dtype == s.dtype:
            rows = stretch.rows(out)
            if stretch.count == 1:
                rows[0].addmm_(scaled[0], b[0])
            else:
                rows.baddbmm_(scaled, b)
            continue
        delta = matmul(scaled, b.to(s.dtype))
        if identity:
            stretch.rows(out).add_(delta)
        else:
            tokens = route.order[stretch.start : stretch.start + stretch.count * stretch.length]
            delta = delta.view(-1, out.shape[1])
            if out.dtype == s.dtype:
                out.index_add_(0, tokens, delta)
            else:
                out[tokens] = (out[tokens] + delta).to(out.dtype)


def cached_plan(route: Route, ranks: Tensor | None, *weights: Tensor) -> list[Stretch]:
    """Return the route's cached `plan` for these shapes and ranks."""
    version = None
    if ranks is not None:
        if ranks.is_inference():  # such tensors don't tell whether they were written
            return plan(route, ranks, *weights)
        version = ranks._version
    key = (*(w.shape for w in weights), weights[0].dtype, id(ranks), version)
    cached = route.plans.get(key)
    if cached is None:
        # with the ranks, so that no other tensor gets their id
        cached = route.plans[key] = plan(route, ranks, *weights), ranks
    return cached[0]


def add(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    out: Tensor,
) -> Tensor:
    """Add the delta to `out` in place and return s `[T, R]` in route order."""
    stretches = cached_plan(route, ranks, lora_a, lora_b)
    s = shrink_ordered(in_order(x, route), lora_a, stretches)
    expand_ordered(s, lora_b, route, scalings, stretches, out)
    return s


def shrink(x: Tensor, lora_a: Tensor, route: Route, ranks: Tensor | None) -> Tensor:
    """Return s `[1, T, R]` in token order."""
    stretches = plan(route, ranks, lora_a)
    s = shrink_ordered(in_order(x, route), lora_a, stretches)
    if not int(route.summary[2]):
        s = torch.empty_like(s).index_copy_(0, route.order, s)
    return s.unsqueeze(0)


def expand(
    s: Tensor, lora_b: Tensor, route: Route, scalings: Tensor, ranks: Tensor | None, out: Tensor
) -> None:
    """Add the delta of s `[P, T, R]`, in token order, to `out` in place."""
    stretches = plan(route, ranks, lora_b)
    summed = s[0] if s.shape[0] == 1 else s.sum(0)
    expand_ordered(in_order(summed, route), lora_b, route, scalings, stretches, out)


def forward(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return `residual + delta` and s `[T, R]` in route order, which backward reads."""
    shape = (*x.shape[:-1], lora_b.shape[2])
    if residual is None:
        out = x.new_zeros(shape)
    else:
        out = residual.clone(memory_format=torch.contiguous_format)
    return out, add(flat(x), lora_a, lora_b, route, scalings, ranks, flat(out))


def backward(
    grad_out: Tensor,
    x: Tensor,
    s: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    needs: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return gradients of x, lora_a and lora_b; an empty tensor where none is needed.

    With y = c · s B and s = x Aᵀ: ds = c · dy Bᵀ, dx = ds A, dA = dsᵀ x, dB = c · sᵀ dy.
    """
    wide = s.dtype
    stretches = plan(route, ranks, lora_a, lora_b)
    identity = bool(route.summary[2])
    grad_rows = in_order(flat(grad_out), route)
    rows = in_order(flat(x), route) if needs[1] else flat(x)
    grad_x = x.new_zeros(x.shape) if needs[0] else x.new_empty(0)
    grad_x_rows = flat(grad_x) if identity else torch.zeros_like(rows)
    grad_a = torch.zeros_like(lora_a, dtype=wide) if needs[1] else x.new_empty(0)
    grad_b = torch.zeros_like(lora_b, dtype=wide) if needs[2] else x.new_empty(0)
    for stretch in stretches:
        dy = stretch.rows(grad_rows).to(wide)
        scaling = scalings[stretch.slots].to(wide)[:, None, None]
        if needs[2]:
            stretch.accumulate(grad_b, stretch.rows(s)[..., : stretch.rank] * scaling, dy)
        if not (needs[0] or needs[1]):
            continue
        ds = matmul(dy, stretch.adapters(lora_b).to(wide).transpose(1, 2)) * scaling
        if needs[1]:
            stretch.accumulate(grad_a, ds, stretch.rows(rows).to(wide))
        if needs[0]:
            a = stretch.adapters(lora_a).to(wide)
            if x.dtype == wide:
                torch.bmm(ds, a, out=stretch.rows(grad_x_rows))
            else:
                stretch.rows(grad_x_rows).copy_(matmul(ds, a))
    if needs[0] and not identity:
        flat(grad_x).index_copy_(0, route.order, grad_x_rows)
    return grad_x, grad_a.to(lora_a.dtype), grad_b.to(lora_b.dtype)
