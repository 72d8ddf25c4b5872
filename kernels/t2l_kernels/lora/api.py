"""Public functions: check the arguments, choose the implementation, call it."""

import torch
from torch import Tensor

from t2l_kernels._core.checks import check_device, check_dtype, check_no_grad, check_shape
from t2l_kernels._core.impl import Impl, resolve_impl
from t2l_kernels._core.workspace import Workspace
from t2l_kernels.lora import library, reference, torch_impl
from t2l_kernels.lora.autograd import MultiLora
from t2l_kernels.lora.plans import planes
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.routing.route import Route


def lora_shrink(
    x: Tensor,
    lora_a: Tensor,
    route: Route,
    *,
    ranks: Tensor | None = None,
    impl: Impl = "auto",
    workspace: Workspace | None = None,
) -> Tensor:
    """Project every token to its adapter's rank: `s[t] = A[slot(t)] x[t]`.

    Args:
        x: `[T, in]`, any float dtype.
        lora_a: `[S, R, in]`, dtype of `x`.
        route: of the T tokens, slots below S.
        ranks: `[S]` int32, live rank per slot; rows at or beyond it are never read. None: all R.
        impl: "auto", "triton", "torch" or "reference"; an explicit choice never falls back.
        workspace: where the kernels put s, until its next use; the others return a fresh s.

    Returns:
        s `[P, T, R]` in fp32 (fp64 for fp64 x in torch and reference), P planes to be summed. P is
        fixed by (in, R, dtype, arch); it is 1 in torch and reference. Columns at or beyond the live
        rank and rows of slot −1 are unspecified.

    Raises:
        ArgumentError: a shape, dtype, device, memory layout or slot does not fit, or an input
            requires grad.
        WorkspaceError: the workspace is too small while a CUDA graph is captured.
    """
    _check_pair("x", x, "lora_a", lora_a, "[slots, rank, in_features]", x.shape[-1])
    check_tables(route, x.shape[0], "x", lora_a, None, ranks)
    check_no_grad("lora_shrink", x, lora_a)
    chosen = resolve_impl(impl, x.device, x.dtype, lora_a.shape[1])
    if workspace is None or chosen != "triton":
        return library.shrink(x, lora_a, route.tensors(), ranks, chosen)
    num_planes = planes(x.shape[1], lora_a.shape[1], x.dtype, x.device)
    shape = (num_planes, x.shape[0], lora_a.shape[1])
    s = workspace.take(shape, torch.float32, x.device)
    library.shrink_into(x, lora_a, route.tensors(), ranks, s)
    return s


def lora_expand(
    s: Tensor,
    lora_b: Tensor,
    route: Route,
    *,
    scalings: Tensor,
    out: Tensor,
    ranks: Tensor | None = None,
    impl: Impl = "auto",
) -> None:
    """Add every token's delta to `out` in place: `out[t] += scalings[slot(t)] · Σ_p s[p, t]
    B[slot(t)]`.

    Args:
        s: `[P, T, R]` from `lora_shrink`.
        lora_b: `[S, R, out]`.
        route: the route that made `s`.
        scalings: `[S]` fp32, per slot.
        out: `[T, out]`, dtype of `lora_b`; rows of slot −1 keep their bits.
        ranks: `[S]` int32, as for `lora_shrink`.
        impl: as for `lora_shrink`.

    Raises:
        ArgumentError: a shape, dtype, device or slot does not fit, or an input requires grad.
    """
    check_shape("s", s, "[planes, tokens, rank]", (None, out.shape[0], lora_b.shape[1]))
    check_dtype("s", s, accumulator(lora_b.dtype))
    _check_pair("out", out, "lora_b", lora_b, "[slots, rank, out_features]", out.shape[-1])
    check_tables(route, out.shape[0], "out", lora_b, scalings, ranks)
    check_no_grad("lora_expand", s, lora_b, out)
    chosen = resolve_impl(impl, out.device, out.dtype, lora_b.shape[1])
    library.expand(s, lora_b, route.tensors(), scalings, ranks, out, chosen)


def multi_lora_(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    *,
    scalings: Tensor,
    out: Tensor,
    ranks: Tensor | None = None,
    impl: Impl = "auto",
    workspace: Workspace | None = None,
) -> None:
    """Add every token's LoRA delta to `out` in place: shrink and expand in one call.

    `out[t] += scalings[slot] · (x[t] A[slot]ᵀ) B[slot]`, for inference.

    Args:
        x: `[T, in]`.
        lora_a: `[S, R, in]`, dtype of `x`.
        lora_b: `[S, R, out]`, dtype of `x`.
        route: of the T tokens, slots below S.
        scalings: `[S]` fp32, per slot.
        out: `[T, out]`, dtype of `x`; rows of slot −1 keep their bits.
        ranks: as for `lora_shrink`.
        impl: as for `lora_shrink`.
        workspace: as for `lora_shrink`.

    Raises:
        ArgumentError, WorkspaceError: as `lora_shrink` and `lora_expand`.
    """
    chosen = resolve_impl(impl, x.device, x.dtype, lora_a.shape[1])
    # a call through the dispatcher costs as much as a small matmul
    direct = chosen == "torch" and not torch.compiler.is_compiling()
    if not direct or torch.is_autocast_enabled(x.device.type):
        s = lora_shrink(x, lora_a, route, ranks=ranks, impl=chosen, workspace=workspace)
        lora_expand(s, lora_b, route, scalings=scalings, ranks=ranks, out=out, impl=chosen)
        return
    _check_pair("x", x, "lora_a", lora_a, "[slots, rank, in_features]", x.shape[-1])
    _check_pair("out", out, "lora_b", lora_b, "[slots, rank, out_features]", out.shape[-1])
    check_shape("lora_b", lora_b, "[slots, rank, out_features]", (*lora_a.shape[:2], None))
    check_shape("out", out, "[tokens, out_features]", (x.shape[0], None))
    check_dtype("out", out, x.dtype, why=" like x")
    check_tables(route, x.shape[0], "x", lora_a, scalings, ranks)
    check_no_grad("multi_lora_", x, lora_a, lora_b, out)
    torch_impl.add(x, lora_a, lora_b, route, scalings, ranks, out)


def multi_lora(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    *,
    scalings: Tensor,
    ranks: Tensor | None = None,
    residual: Tensor | None = None,
    impl: Impl = "auto",
) -> Tensor:
    """Return `residual + delta`, differentiable in x, lora_a, lora_b and residual (first order).

    LoRA (Hu et al. 2021, eq. 3) with a different adapter for every token:
    `delta[t] = scalings[slot] · (x[t] A[slot]ᵀ) B[slot]`, zero for slot −1.

    Args:
        x: `[T, in]`, or `[…, in]` with T tokens in all.
        lora_a: `[S, R, in]`, dtype of `x`.
        lora_b: `[S, R, out]`, dtype of `x`.
        route: of the T tokens, slots below S.
        scalings: `[S]` fp32, per slot; not differentiated.
        ranks: `[S]` int32, live rank per slot, or None.
        residual: `[T, out]` or `[…, out]` like x, its dtype, or None for zeros. Not modified.
        impl: as for `lora_shrink`.

    Returns:
        `[T, out]` or `[…, out]`, dtype of `x`.

    Raises:
        ArgumentError: a shape, dtype, device or slot does not fit.
    """
    rows = x.reshape(-1, x.shape[-1]) if x.dim() > 2 else x
    _check_pair("x", rows, "lora_a", lora_a, "[slots, rank, in_features]", x.shape[-1])
    check_shape("lora_b", lora_b, "[slots, rank, out_features]", (*lora_a.shape[:2], None))
    check_dtype("lora_b", lora_b, x.dtype, why=" like x")
    check_device("lora_b", lora_b, x.device, "x")
    check_tables(route, rows.shape[0], "x", lora_a, scalings, ranks)
    shape = (*x.shape[:-1], lora_b.shape[2])
    if residual is not None:
        check_shape("residual", residual, "[tokens, out_features]", shape)
        check_dtype("residual", residual, x.dtype, why=" like x")
        check_device("residual", residual, x.device, "x")
    chosen = resolve_impl(impl, x.device, x.dtype, lora_a.shape[1])
    if chosen == "reference":
        base = None if residual is None else residual.reshape(-1, shape[-1])
        slots = route.token_slots
        return reference.multi_lora(rows, lora_a, lora_b, slots, scalings, ranks, base).view(shape)
    return MultiLora.apply(x, lora_a, lora_b, residual, scalings, ranks, chosen, *route.tensors())


def _check_pair(
    name: str, rows: Tensor, weight_name: str, weight: Tensor, dims: str, width: int
) -> None:
    check_shape(name, rows, "[tokens, features]", (None, None))
    check_shape(weight_name, weight, dims, (None, None, width))
    if not rows.dtype.is_floating_point:
        check_dtype(name, rows, torch.float32, torch.bfloat16, torch.float16, torch.float64)
    check_dtype(weight_name, weight, rows.dtype, why=f" like {name}")
    check_device(weight_name, weight, rows.device, name)


def check_tables(
    route: Route,
    num_tokens: int,
    name: str,
    weight: Tensor,
    scalings: Tensor | None,
    ranks: Tensor | None,
) -> None:
    """Raise `ArgumentError` unless route, scalings and ranks fit the tokens and the slab.

    Args:
        route: of `num_tokens` tokens.
        num_tokens: rows of the tensor called `name`.
        name: for the message.
        weight: a slab `[S, R, d]`.
        scalings: `[S]` fp32, or None.
        ranks: `[S]` int32, or None.
    """
    if route.num_tokens != num_tokens:
        check_shape("route.token_slots", route.token_slots, f"[tokens of {name}]", (num_tokens,))
    check_device("route", route.token_slots, weight.device, name)
    num_slots = weight.shape[0]
    if scalings is not None:
        check_shape("scalings", scalings, "[slots]", (num_slots,))
        check_dtype("scalings", scalings, torch.float32)
        check_device("scalings", scalings, weight.device, name)
    if ranks is not None:
        check_shape("ranks", ranks, "[slots]", (num_slots,))
        check_dtype("ranks", ranks, torch.int32)
        check_device("ranks", ranks, weight.device, name)


__all__ = ["lora_expand", "lora_shrink", "multi_lora", "multi_lora_"]
