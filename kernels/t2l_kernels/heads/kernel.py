"""Triton: one dense GEMM whose epilogue finishes LoRA rows and puts them into slots."""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["rows", "num_adapters", "num_slots"])
def head_into_slots_kernel(
    latents_ptr,  # [L, N, 1 | RANK, H]
    weight_ptr,  # [1 | RANK, width, H], any stride between rank rows
    bias_ptr,  # [1 | RANK, width]
    offset_ptr,  # [L, RANK, width], likewise mean and std
    mean_ptr,
    std_ptr,
    slots_ptr,  # [N] int32
    out_ptr,  # [L, S, rank_max, width]
    rows,  # L · N, times RANK where latents alone carry it
    num_adapters,
    num_slots,
    width,
    rank_max,
    weight_stride,
    RANK: tl.constexpr,
    H: tl.constexpr,
    LATENT_ROWS: tl.constexpr,  # 1 | RANK
    RANK_IN_ROWS: tl.constexpr,  # one weight for all rank rows
    EVEN_N: tl.constexpr,
    EVEN_K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Compute a tile of head outputs and store it in the rows of its slots."""
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    part = tl.program_id(2)
    live = row < rows
    if RANK_IN_ROWS:
        r = row % RANK
        pair = row // RANK
    else:
        r = part + tl.zeros_like(row)
        pair = row
    latent = pair.to(tl.int64)
    if LATENT_ROWS > 1:
        latent = latent * LATENT_ROWS + r
    layer = (pair // num_adapters).to(tl.int64)
    slot = tl.load(slots_ptr + pair % num_adapters, mask=live, other=-1)
    tl.device_assert(slot < num_slots, "slot out of range")
    x_rows = latents_ptr + latent[:, None] * H
    w_columns = weight_ptr + part.to(tl.int64) * weight_stride + n.to(tl.int64)[None, :] * H
    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k0 in range(0, H, BLOCK_K):
        k = k0 + tl.arange(0, BLOCK_K)
        x_mask = live[:, None]
        w_mask = (n < width)[None, :]
        if not EVEN_K:
            x_mask = x_mask & (k < H)[None, :]
            w_mask = w_mask & (k < H)[:, None]
        x = tl.load(x_rows + k[None, :], mask=x_mask, other=0.0)
        if EVEN_N and EVEN_K:
            w = tl.load(w_columns + k[:, None])
        else:
            w = tl.load(w_columns + k[:, None], mask=w_mask, other=0.0)
        if UPCAST:
            x, w = x.to(tl.float32), w.to(tl.float32)
        acc = tl.dot(x, w, acc, input_precision="ieee")
    inside = n < width
    written = (live & (slot >= 0))[:, None] & inside[None, :]
    if bias_ptr is not None:
        bias = tl.load(bias_ptr + part * width + n, mask=inside, other=0.0)
        acc += bias.to(tl.float32)[None, :]
    extra = (layer * RANK + r)[:, None] * width + n[None, :]
    if offset_ptr is not None:
        acc += tl.load(offset_ptr + extra, mask=written, other=0.0).to(tl.float32)
    if std_ptr is not None:
        acc *= tl.load(std_ptr + extra, mask=written, other=0.0).to(tl.float32)
    if mean_ptr is not None:
        acc += tl.load(mean_ptr + extra, mask=written, other=0.0).to(tl.float32)
    out = out_ptr + ((layer * num_slots + slot) * rank_max + r)[:, None] * width + n[None, :]
    tl.store(out, acc.to(out_ptr.dtype.element_ty), mask=written)
