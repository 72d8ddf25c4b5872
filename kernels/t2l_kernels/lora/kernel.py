"""Triton kernels of shrink, expand and the adapters' gradients.

All read one route. A block is at most BLOCK_M tokens of one slot, with its first and last position
in `order`. Programs stride over the blocks there are, whose number only the
device knows. Every reduction runs in one fixed order, in the `mma` family (M16 tiles, masked rows).
"""

import triton
import triton.language as tl

# counts that change from batch to batch: specialising on them would compile anew
COUNTS = ["num_slots", "capacity", "num_tokens"]


@triton.jit
def live_rank(ranks_ptr, slot, RANK: tl.constexpr, HAS_RANKS: tl.constexpr):
    """Return the slot's live rank, clamped to the slab's."""
    rank = RANK
    if HAS_RANKS:
        rank = tl.load(ranks_ptr + slot)
        tl.device_assert((rank >= 0) & (rank <= RANK), "rank beyond the slab")
        rank = tl.minimum(tl.maximum(rank, 0), RANK)
    return rank


@triton.jit
def block_count(summary_ptr, BLOCK_M: tl.constexpr):
    """Return how many blocks of BLOCK_M tokens a route has (Route.summary)."""
    at: tl.constexpr = 3 if BLOCK_M == 16 else 4
    return tl.load(summary_ptr + at)


@triton.jit
def bare_count(summary_ptr, num_tokens):
    """Return the positions without an adapter, and those before the first with one.

    The rest of them come last.
    """
    before = tl.load(summary_ptr + 5)
    return num_tokens - (tl.load(summary_ptr + 6) - before), before


@triton.jit
def bare_rows(order_ptr, index, bare, before, num_tokens):
    """Return the tokens of bare positions number `index`, and which of them exist."""
    there = index < bare
    position = tl.where(index < before, index, index + num_tokens - bare)
    return tl.load(order_ptr + position, mask=there, other=0).to(tl.int64), there


@triton.jit(do_not_specialize=COUNTS)
def lora_shrink_kernel(
    x_ptr,  # [T, width]
    weight_ptr,  # [S, RANK, width]
    s_ptr,  # [planes, T, RANK] fp32
    order_ptr,  # [T] int64
    blocks_ptr,  # [3, capacity] int32: slot, start, stop
    summary_ptr,  # [7] int32 (Route.summary)
    ranks_ptr,  # [S] int32
    num_slots,
    capacity,
    num_tokens,
    width,
    RANK: tl.constexpr,
    CHUNK: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_R: tl.constexpr,
    EVEN_K: tl.constexpr,
    HAS_RANKS: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Compute s for a block of tokens of one slot and one chunk of columns."""
    plane = tl.program_id(1)
    first_k = plane * CHUNK
    last_k = tl.minimum(first_k + CHUNK, width)
    r = tl.arange(0, BLOCK_R)
    ks = tl.arange(0, BLOCK_K)
    plane_ptr = s_ptr + plane.to(tl.int64) * num_tokens * RANK
    for block in range(tl.program_id(0), block_count(summary_ptr, BLOCK_M), tl.num_programs(0)):
        slot = tl.load(blocks_ptr + block)
        tl.device_assert(slot < num_slots, "slot out of range")
        position = tl.load(blocks_ptr + capacity + block) + tl.arange(0, BLOCK_M)
        in_block = position < tl.load(blocks_ptr + 2 * capacity + block)
        rows = tl.load(order_ptr + position, mask=in_block, other=0).to(tl.int64)
        in_rank = r < live_rank(ranks_ptr, slot, RANK, HAS_RANKS)
        x_rows = x_ptr + rows[:, None] * width
        w_rows = weight_ptr + (slot.to(tl.int64) * RANK + r[None, :]) * width
        acc = tl.zeros((BLOCK_M, BLOCK_R), dtype=tl.float32)
        for k0 in range(first_k, last_k, BLOCK_K):
            k = k0 + ks
            x_mask = in_block[:, None]
            w_mask = in_rank[None, :]
            if not EVEN_K:
                x_mask = x_mask & (k < last_k)[None, :]
                w_mask = w_mask & (k < last_k)[:, None]
            x = tl.load(x_rows + k[None, :], mask=x_mask, other=0.0)
            w = tl.load(w_rows + k[:, None], mask=w_mask, other=0.0)
            if UPCAST:
                x, w = x.to(tl.float32), w.to(tl.float32)
            acc = tl.dot(x, w, acc, input_precision="ieee")
        tl.store(
            plane_ptr + rows[:, None] * RANK + r[None, :],
            acc,
            mask=in_block[:, None] & in_rank[None, :],
        )


@triton.jit(do_not_specialize=COUNTS)
def lora_expand_kernel(
    s_ptr,  # [PLANES, T, RANK] fp32
    weight_ptr,  # [S, RANK, width]
    base_ptr,  # [T, width]; equal to out_ptr when IN_PLACE; unused without HAS_BASE
    out_ptr,  # [T, width]
    sum_ptr,  # [T, RANK]: the planes' sum in the weight's dtype, written when KEEP_SUM
    order_ptr,  # [T] int64
    blocks_ptr,  # [3, capacity] int32
    summary_ptr,  # [7] int32 (Route.summary)
    ranks_ptr,  # [S] int32
    scalings_ptr,  # [S] fp32
    num_slots,
    capacity,
    num_tokens,
    width,
    columns,  # per program, a multiple of BLOCK_N
    PLANES: tl.constexpr,
    RANK: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_R: tl.constexpr,
    EVEN_N: tl.constexpr,
    HAS_RANKS: tl.constexpr,
    HAS_BASE: tl.constexpr,
    IN_PLACE: tl.constexpr,
    KEEP_SUM: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Add scaling · s B to a block of tokens of one slot and a group of columns."""
    first_n = tl.program_id(1) * columns
    last_n = tl.minimum(first_n + columns, width)
    r = tl.arange(0, BLOCK_R)
    ns = tl.arange(0, BLOCK_N)
    ms = tl.arange(0, BLOCK_M)
    plane_size = num_tokens.to(tl.int64) * RANK
    for block in range(tl.program_id(0), block_count(summary_ptr, BLOCK_M), tl.num_programs(0)):
        slot = tl.load(blocks_ptr + block)
        tl.device_assert(slot < num_slots, "slot out of range")
        position = tl.load(blocks_ptr + capacity + block) + ms
        in_block = position < tl.load(blocks_ptr + 2 * capacity + block)
        rank = live_rank(ranks_ptr, slot, RANK, HAS_RANKS)
        if IN_PLACE:
            # rank 0 leaves every bit as it is
            in_block = in_block & (rank > 0)
        rows = tl.load(order_ptr + position, mask=in_block, other=0).to(tl.int64)
        in_rank = r < rank
        s_rows = s_ptr + rows[:, None] * RANK + r[None, :]
        s_mask = in_block[:, None] & in_rank[None, :]
        s = tl.load(s_rows, mask=s_mask, other=0.0)
        # not unrolled: all planes' loads at once would not fit the registers
        for plane in tl.range(1, PLANES, num_stages=1, loop_unroll_factor=1):
            s += tl.load(s_rows + plane * plane_size, mask=s_mask, other=0.0)
        s = s.to(weight_ptr.dtype.element_ty)
        if KEEP_SUM:
            if first_n == 0:
                stored = in_block[:, None] & (r < RANK)[None, :]
                tl.store(sum_ptr + rows[:, None] * RANK + r[None, :], s, mask=stored)
        if UPCAST:
            s = s.to(tl.float32)
        scaling = tl.load(scalings_ptr + slot)
        w_rows = weight_ptr + (slot.to(tl.int64) * RANK + r[:, None]) * width
        for n0 in range(first_n, last_n, BLOCK_N):
            n = n0 + ns
            w_mask = in_rank[:, None]
            out_mask = in_block[:, None]
            if not EVEN_N:
                w_mask = w_mask & (n < last_n)[None, :]
                out_mask = out_mask & (n < last_n)[None, :]
            w = tl.load(w_rows + n[None, :], mask=w_mask, other=0.0)
            if UPCAST:
                w = w.to(tl.float32)
            delta = tl.dot(s, w, input_precision="ieee") * scaling
            if HAS_BASE:
                base = base_ptr + rows[:, None] * width + n[None, :]
                delta += tl.load(base, mask=out_mask, other=0.0).to(tl.float32)
            out = out_ptr + rows[:, None] * width + n[None, :]
            tl.store(out, delta.to(out_ptr.dtype.element_ty), mask=out_mask)
    if not IN_PLACE:
        # rows without an adapter take the base, or zero
        bare, before = bare_count(summary_ptr, num_tokens)
        for start in range(tl.program_id(0) * BLOCK_M, bare, tl.num_programs(0) * BLOCK_M):
            rows, in_bare = bare_rows(order_ptr, start + ms, bare, before, num_tokens)
            if KEEP_SUM:
                if first_n == 0:
                    stored = in_bare[:, None] & (r < RANK)[None, :]
                    zero = tl.zeros((BLOCK_M, BLOCK_R), dtype=sum_ptr.dtype.element_ty)
                    tl.store(sum_ptr + rows[:, None] * RANK + r[None, :], zero, mask=stored)
            for n0 in range(first_n, last_n, BLOCK_N):
                at = rows[:, None] * width + (n0 + ns)[None, :]
                mask = in_bare[:, None] & (n0 + ns < last_n)[None, :]
                value = tl.zeros((BLOCK_M, BLOCK_N), dtype=out_ptr.dtype.element_ty)
                if HAS_BASE:
                    value = tl.load(base_ptr + at, mask=mask, other=0.0)
                tl.store(out_ptr + at, value, mask=mask)


@triton.jit(do_not_specialize=["num_slots"])
def lora_grad_kernel(
    s_ptr,  # [T, RANK]
    rows_ptr,  # [T, width]
    grad_ptr,  # [S, RANK, width]
    order_ptr,  # [T] int64
    segment_slots_ptr,  # [max_segments] int32, ascending
    segment_starts_ptr,  # [max_segments + 1] int32
    summary_ptr,  # [7] int32 (Route.summary)
    ranks_ptr,  # [S] int32
    scalings_ptr,  # [S] fp32
    num_slots,
    width,
    RANK: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_D: tl.constexpr,
    EVEN_D: tl.constexpr,
    HAS_RANKS: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Sum scaling · sᵀ rows over the tokens of one segment, for a tile of columns."""
    d = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    r = tl.arange(0, BLOCK_R)
    ts = tl.arange(0, BLOCK_T)
    num_segments = tl.load(summary_ptr)
    for slot in range(tl.program_id(0), num_slots, tl.num_programs(0)):
        low = 0
        high = num_segments
        while low < high:
            middle = (low + high) // 2
            below = tl.load(segment_slots_ptr + middle) < slot
            low = tl.where(below, middle + 1, low)
            high = tl.where(below, high, middle)
        start = 0
        stop = 0
        if low < num_segments:
            if tl.load(segment_slots_ptr + low) == slot:
                start = tl.load(segment_starts_ptr + low)
                stop = tl.load(segment_starts_ptr + low + 1)
        in_rank = r < live_rank(ranks_ptr, slot, RANK, HAS_RANKS)
        acc = tl.zeros((BLOCK_R, BLOCK_D), dtype=tl.float32)
        for t0 in range(start, stop, BLOCK_T):
            in_segment = t0 + ts < stop
            tokens = tl.load(order_ptr + t0 + ts, mask=in_segment, other=0).to(tl.int64)
            mask = in_segment[:, None]
            if not EVEN_D:
                mask = mask & (d < width)[None, :]
            s = tl.load(
                s_ptr + tokens[None, :] * RANK + r[:, None],
                mask=in_rank[:, None] & in_segment[None, :],
                other=0.0,
            )
            rows = tl.load(rows_ptr + tokens[:, None] * width + d[None, :], mask=mask, other=0.0)
            if UPCAST:
                s, rows = s.to(tl.float32), rows.to(tl.float32)
            acc = tl.dot(s, rows, acc, input_precision="ieee")
        acc = acc * tl.load(scalings_ptr + slot)
        grad = grad_ptr + (slot * RANK + r[:, None]).to(tl.int64) * width + d[None, :]
        mask = (r < RANK)[:, None]
        if not EVEN_D:
            mask = mask & (d < width)[None, :]
        tl.store(grad, acc.to(grad_ptr.dtype.element_ty), mask=mask)
