"""The public function: check the arguments, choose the implementation, call it."""

import torch
from torch import Tensor

from t2l_kernels._core.checks import check_device, check_dtype, check_shape
from t2l_kernels._core.impl import Impl, resolve_impl
from t2l_kernels.basis import reference
from t2l_kernels.basis.autograd import BasisLora
from t2l_kernels.lora.api import check_tables
from t2l_kernels.routing.route import Route


def basis_lora(
    x: Tensor,
    basis_a: Tensor,
    core_a: Tensor,
    core_b: Tensor,
    basis_b: Tensor,
    route: Route,
    *,
    scalings: Tensor,
    ranks: Tensor | None = None,
    residual: Tensor | None = None,
    impl: Impl = "auto",
) -> Tensor:
    """Return `residual + delta` of adapters that are cores over shared bases.

    `delta[t] = scalings[slot] · basis_b (core_b[slot]ᵀ (core_a[slot] (basis_a x[t])))`, zero for
    slot −1: `multi_lora` with `A = core_a basis_a` and `B = core_b basis_bᵀ`, which are never made.
    The bases are read once per call, of an adapter only `R · (h_a + h_b)` numbers. Architecture S
    of Text-to-LoRA, Zhyper and VeRA-style scalings have this form.

    The dense matmuls are the library's: a token's bits may depend on how many rows they see, the
    core step's do not. Rows of slot −1 enter the bases' gradients as zeros, so they must be finite
    there. A hidden size that 16 does not divide is read without vector loads: pad it with zeros.

    Args:
        x: `[T, in]`, or `[…, in]` with T tokens in all.
        basis_a: `[h_a, in]`, any strides, dtype of `x`.
        core_a: `[S, R, h_a]`, dtype of `x`.
        core_b: `[S, R, h_b]`, dtype of `x`.
        basis_b: `[out, h_b]`, any strides, dtype of `x`.
        route: of the T tokens, slots below S.
        scalings: `[S]` fp32, per slot; not differentiated.
        ranks: `[S]` int32, live rank per slot; core rows at or beyond it are never read. None: all
            R.
        residual: `[T, out]` or `[…, out]` like x, its dtype, or None for zeros. Not modified; rows
            of slot −1 come back with its bits.
        impl: "auto", "triton", "torch" or "reference"; an explicit choice never falls back.

    Returns:
        `[T, out]` or `[…, out]`, dtype of `x`.

    Raises:
        ArgumentError: a shape, dtype, device, memory layout or slot does not fit.
    """
    rows = x.reshape(-1, x.shape[-1]) if x.dim() > 2 else x
    check_shape("x", rows, "[tokens, in_features]", (None, None))
    check_shape("basis_a", basis_a, "[hidden_a, in_features]", (None, x.shape[-1]))
    check_shape("core_a", core_a, "[slots, rank, hidden_a]", (None, None, basis_a.shape[0]))
    check_shape("core_b", core_b, "[slots, rank, hidden_b]", (*core_a.shape[:2], None))
    check_shape("basis_b", basis_b, "[out_features, hidden_b]", (None, core_b.shape[2]))
    shape = (*x.shape[:-1], basis_b.shape[0])
    if not x.dtype.is_floating_point:
        check_dtype("x", x, torch.float32, torch.bfloat16, torch.float16, torch.float64)
    like_x = {"basis_a": basis_a, "core_a": core_a, "core_b": core_b, "basis_b": basis_b}
    if residual is not None:
        check_shape("residual", residual, "[tokens, out_features]", shape)
        like_x["residual"] = residual
    for name, tensor in like_x.items():
        check_dtype(name, tensor, x.dtype, why=" like x")
        check_device(name, tensor, x.device, "x")
    check_tables(route, rows.shape[0], "x", core_a, scalings, ranks)
    chosen = resolve_impl(impl, x.device, x.dtype, core_a.shape[1])
    weights = basis_a, core_a, core_b, basis_b
    if chosen == "reference":
        base = None if residual is None else residual.reshape(-1, shape[-1])
        slots = route.token_slots
        return reference.basis_lora(rows, *weights, slots, scalings, ranks, base).view(shape)
    return BasisLora.apply(x, *weights, residual, scalings, ranks, chosen, *route.tensors())


__all__ = ["basis_lora"]
