"""Triton kernels of the shared-basis path: the core step, and the rows that it must not touch."""

import triton
import triton.language as tl

from t2l_kernels.lora.kernel import COUNTS, bare_count, bare_rows, block_count, live_rank


@triton.jit(do_not_specialize=COUNTS)
def basis_core_kernel(
    u_ptr,  # [T, hidden_a]
    core_a_ptr,  # [S, RANK, hidden_a]
    core_b_ptr,  # [S, RANK, hidden_b]
    v_ptr,  # [T, hidden_b]
    s_ptr,  # [T, RANK]: what the second half read
    order_ptr,  # [T] int64
    blocks_ptr,  # [3, capacity] int32: slot, start, stop
    summary_ptr,  # [7] int32 (Route.summary)
    ranks_ptr,  # [S] int32
    scalings_ptr,  # [S] fp32
    num_slots,
    capacity,
    num_tokens,
    hidden_a,
    hidden_b,
    RANK: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_R: tl.constexpr,
    EVEN_K: tl.constexpr,
    EVEN_N: tl.constexpr,
    HAS_RANKS: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Compute v = scaling · (core_a u) core_b for a block of tokens of one slot."""
    r = tl.arange(0, BLOCK_R)
    ms = tl.arange(0, BLOCK_M)
    ks = tl.arange(0, BLOCK_K)
    ns = tl.arange(0, BLOCK_N)
    for block in range(tl.program_id(0), block_count(summary_ptr, BLOCK_M), tl.num_programs(0)):
        slot = tl.load(blocks_ptr + block)
        tl.device_assert(slot < num_slots, "slot out of range")
        position = tl.load(blocks_ptr + capacity + block) + ms
        in_block = position < tl.load(blocks_ptr + 2 * capacity + block)
        rows = tl.load(order_ptr + position, mask=in_block, other=0).to(tl.int64)
        in_rank = r < live_rank(ranks_ptr, slot, RANK, HAS_RANKS)
        core_row = slot.to(tl.int64) * RANK + r
        acc = tl.zeros((BLOCK_M, BLOCK_R), dtype=tl.float32)
        for k0 in range(0, hidden_a, BLOCK_K):
            k = k0 + ks
            u_mask = in_block[:, None]
            a_mask = in_rank[None, :]
            if not EVEN_K:
                u_mask = u_mask & (k < hidden_a)[None, :]
                a_mask = a_mask & (k < hidden_a)[:, None]
            u = tl.load(u_ptr + rows[:, None] * hidden_a + k[None, :], mask=u_mask, other=0.0)
            a_at = core_a_ptr + core_row[None, :] * hidden_a + k[:, None]
            a = tl.load(a_at, mask=a_mask, other=0.0)
            if UPCAST:
                u, a = u.to(tl.float32), a.to(tl.float32)
            acc = tl.dot(u, a, acc, input_precision="ieee")
        s = acc.to(s_ptr.dtype.element_ty)
        stored = in_block[:, None] & (r < RANK)[None, :]
        tl.store(s_ptr + rows[:, None] * RANK + r[None, :], s, mask=stored)
        if UPCAST:
            s = s.to(tl.float32)
        scaling = tl.load(scalings_ptr + slot)
        for n0 in range(0, hidden_b, BLOCK_N):
            n = n0 + ns
            b_mask = in_rank[:, None]
            v_mask = in_block[:, None]
            if not EVEN_N:
                b_mask = b_mask & (n < hidden_b)[None, :]
                v_mask = v_mask & (n < hidden_b)[None, :]
            b_at = core_b_ptr + core_row[:, None] * hidden_b + n[None, :]
            b = tl.load(b_at, mask=b_mask, other=0.0)
            if UPCAST:
                b = b.to(tl.float32)
            v = tl.dot(s, b, input_precision="ieee") * scaling
            at = v_ptr + rows[:, None] * hidden_b + n[None, :]
            tl.store(at, v.to(v_ptr.dtype.element_ty), mask=v_mask)
    # rows without an adapter: zero, which the dense matmul adds
    bare, before = bare_count(summary_ptr, num_tokens)
    for start in range(tl.program_id(0) * BLOCK_M, bare, tl.num_programs(0) * BLOCK_M):
        rows, in_bare = bare_rows(order_ptr, start + ms, bare, before, num_tokens)
        no_s = tl.zeros((BLOCK_M, BLOCK_R), dtype=s_ptr.dtype.element_ty)
        stored = in_bare[:, None] & (r < RANK)[None, :]
        tl.store(s_ptr + rows[:, None] * RANK + r[None, :], no_s, mask=stored)
        no_v = tl.zeros((BLOCK_M, BLOCK_N), dtype=v_ptr.dtype.element_ty)
        for n0 in range(0, hidden_b, BLOCK_N):
            n = n0 + ns
            mask = in_bare[:, None] & (n < hidden_b)[None, :]
            tl.store(v_ptr + rows[:, None] * hidden_b + n[None, :], no_v, mask=mask)


@triton.jit(do_not_specialize=["num_tokens"])
def basis_keep_kernel(
    residual_ptr,  # [T, width]
    out_ptr,  # [T, width]
    order_ptr,  # [T] int64
    summary_ptr,  # [7] int32 (Route.summary)
    num_tokens,
    width,
    BLOCK_N: tl.constexpr,
):
    """Copy the residual's rows of slot −1 into the output, bit for bit."""
    ns = tl.arange(0, BLOCK_N)
    bare, before = bare_count(summary_ptr, num_tokens)
    for index in range(tl.program_id(0), bare, tl.num_programs(0)):
        row, _ = bare_rows(order_ptr, index, bare, before, num_tokens)
        at = row * width
        for n0 in range(0, width, BLOCK_N):
            n = n0 + ns
            values = tl.load(residual_ptr + at + n, mask=n < width, other=0.0)
            tl.store(out_ptr + at + n, values, mask=n < width)
