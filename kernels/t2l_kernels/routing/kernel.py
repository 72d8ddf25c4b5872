"""Triton: route tables from slots, without the host knowing anything about the slots.

An item is a token, or a sequence of `length` tokens that share a slot. A stable counting sort ranks
the items; torch sorts them where they are many. Runs of one slot become segments, and segments are
cut into blocks. One program does it all, but for long block tables and the tokens of sequences.
"""

import triton
import triton.language as tl


@triton.jit
def _rank_items(slots_ptr, order_ptr, n, CHUNK: tl.constexpr, OTHERS: tl.constexpr):
    """order[rank] = item; its rank: how many have a lower slot, or the same and come earlier."""
    item = tl.arange(0, CHUNK)
    slot = tl.load(slots_ptr + item, mask=item < n, other=0)
    rank = tl.zeros((CHUNK,), dtype=tl.int32)
    for first in range(0, n, OTHERS):
        other = first + tl.arange(0, OTHERS)
        theirs = tl.load(slots_ptr + other, mask=other < n, other=2147483647)
        earlier = (theirs[None, :] == slot[:, None]) & (other[None, :] < item[:, None])
        before = (theirs[None, :] < slot[:, None]) | earlier
        rank += tl.sum(before.to(tl.int32), 1)
    tl.store(order_ptr + rank, item.to(tl.int64), mask=item < n)


@triton.jit
def _cut(
    blocks_ptr, ends_ptr, slots_ptr, starts_ptr, first, used, total, capacity, steps,
    SIZE: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """Entries first … first + CHUNK of a block table [3, capacity], from the segments' running
    block counts (binary search)."""
    block = first + tl.arange(0, CHUNK)
    live = block < total
    low = tl.zeros((CHUNK,), dtype=tl.int32)
    high = tl.zeros((CHUNK,), dtype=tl.int32) + used
    for _ in range(steps):
        middle = (low + high) // 2
        searching = live & (low < high)
        passed = tl.load(ends_ptr + middle, mask=searching, other=0) <= block
        low = tl.where(searching & passed, middle + 1, low)
        high = tl.where(searching & ~passed, middle, high)
    before = tl.load(ends_ptr + low - 1, mask=live & (low > 0), other=0)
    start = tl.load(starts_ptr + low, mask=live, other=0) + (block - before) * SIZE
    stop = tl.minimum(start + SIZE, tl.load(starts_ptr + low + 1, mask=live, other=0))
    slot = tl.load(slots_ptr + low, mask=live, other=0)
    inside = block < capacity
    tl.store(blocks_ptr + block, tl.where(live, slot, -1), mask=inside)
    tl.store(blocks_ptr + capacity + block, tl.where(live, start, -1), mask=inside)
    tl.store(blocks_ptr + 2 * capacity + block, tl.where(live, stop, -1), mask=inside)


@triton.jit(
    do_not_specialize=[
        "length", "n", "max_segments", "small_capacity", "large_capacity", "steps",
    ]
)  # fmt: skip
def route_tables_kernel(
    slots_ptr,  # [n] int32, one per item
    lengths_ptr,  # [n] int32, unused without HAS_LENGTHS
    length,  # tokens per item without HAS_LENGTHS
    item_order_ptr,  # [n] int64, read; written first with SORT
    item_starts_ptr,  # [n] int32: first position of each item, by rank
    segment_slots_ptr,  # [max_segments] int32
    segment_starts_ptr,  # [max_segments + 1] int32
    stretches_ptr,  # [max_segments] int32
    summary_ptr,  # [7] int32: see Route.summary
    ends_ptr,  # [2, max_segments] int32, scratch
    small_ptr,  # [3, small_capacity] int32
    large_ptr,  # [3, large_capacity] int32
    n,
    max_segments,
    small_capacity,
    large_capacity,
    steps,  # of a binary search among max_segments
    SORT: tl.constexpr,
    HAS_LENGTHS: tl.constexpr,
    SMALL: tl.constexpr,
    LARGE: tl.constexpr,
    CUT: tl.constexpr,  # blocks too; else route_blocks_kernel does it
    CHUNK: tl.constexpr,
):
    """Sort items by slot and write the route's tables, in one program."""
    if SORT:
        _rank_items(slots_ptr, item_order_ptr, n, CHUNK, 4)
        tl.debug_barrier()
    segments = 0
    tokens = 0
    bare = 0  # tokens without an adapter: the lowest slots
    for first in range(0, n, CHUNK):
        rank = first + tl.arange(0, CHUNK)
        live = rank < n
        item = tl.load(item_order_ptr + rank, mask=live, other=0)
        previous = tl.load(item_order_ptr + rank - 1, mask=live & (rank > 0), other=0)
        slot = tl.load(slots_ptr + item, mask=live, other=0)
        changes = live & ((rank == 0) | (slot != tl.load(slots_ptr + previous, mask=live, other=0)))
        size = tl.where(live, length, 0)
        if HAS_LENGTHS:
            size = tl.load(lengths_ptr + item, mask=live, other=0)
        start = tokens + tl.cumsum(size, 0) - size
        segment = segments + tl.cumsum(changes.to(tl.int32), 0) - 1
        tl.device_assert((segment < max_segments) | ~live, "max_segments is too small")
        tl.device_assert((slot >= -1) | ~live, "slots below -1")
        tl.store(item_starts_ptr + rank, start, mask=live)
        tl.store(segment_slots_ptr + segment, slot, mask=changes & (segment < max_segments))
        # one more than there is room for: where the last segment ends
        tl.store(segment_starts_ptr + segment, start, mask=changes & (segment <= max_segments))
        bare += tl.sum(tl.where(slot < 0, size, 0), 0)
        segments += tl.sum(changes.to(tl.int32), 0)
        tokens += tl.sum(size, 0)
    count = segments
    segments = tl.minimum(segments, max_segments)
    for first in range(0, max_segments + 1, CHUNK):
        entry = first + tl.arange(0, CHUNK)
        unused = (entry >= segments) & (entry < max_segments)
        tl.store(segment_slots_ptr + entry, tl.full((CHUNK,), -1, tl.int32), mask=unused)
        last = (entry >= count) & (entry <= max_segments)
        tl.store(segment_starts_ptr + entry, tokens + tl.zeros_like(entry), mask=last)
        tl.store(stretches_ptr + entry, (entry < segments).to(tl.int32), mask=entry < max_segments)
    tl.debug_barrier()
    small_total = 0
    large_total = 0
    for first in range(0, segments, CHUNK):
        segment = first + tl.arange(0, CHUNK)
        live = segment < segments
        slot = tl.load(segment_slots_ptr + segment, mask=live, other=-1)
        start = tl.load(segment_starts_ptr + segment, mask=live, other=0)
        size = tl.load(segment_starts_ptr + segment + 1, mask=live, other=0) - start
        size = tl.where(slot >= 0, size, 0)
        small = (size + SMALL - 1) // SMALL
        large = (size + LARGE - 1) // LARGE
        tl.store(ends_ptr + segment, small_total + tl.cumsum(small, 0), mask=live)
        tl.store(ends_ptr + max_segments + segment, large_total + tl.cumsum(large, 0), mask=live)
        small_total += tl.sum(small, 0)
        large_total += tl.sum(large, 0)
    tl.store(summary_ptr, segments)
    tl.store(summary_ptr + 1, segments)
    tl.store(summary_ptr + 2, 0)
    tl.store(summary_ptr + 3, small_total)
    tl.store(summary_ptr + 4, large_total)
    past = tl.load(segment_starts_ptr + segments)
    tl.store(summary_ptr + 5, tl.minimum(bare, past))
    tl.store(summary_ptr + 6, past)
    if CUT:
        tl.debug_barrier()
        for first in range(0, small_capacity, CHUNK):
            _cut(
                small_ptr, ends_ptr, segment_slots_ptr, segment_starts_ptr, first, segments,
                small_total, small_capacity, steps, SMALL, CHUNK,
            )  # fmt: skip
        for first in range(0, large_capacity, CHUNK):
            _cut(
                large_ptr, ends_ptr + max_segments, segment_slots_ptr, segment_starts_ptr, first,
                segments, large_total, large_capacity, steps, LARGE, CHUNK,
            )  # fmt: skip


@triton.jit(do_not_specialize=["capacity", "steps"])
def route_blocks_kernel(
    segment_slots_ptr,  # [max_segments] int32
    segment_starts_ptr,  # [max_segments + 1] int32
    summary_ptr,  # [7] int32
    total_ptr,  # [1] int32: blocks of this size
    ends_ptr,  # [max_segments] int32
    blocks_ptr,  # [3, capacity] int32
    capacity,
    steps,
    SIZE: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Fill a long block table, a chunk per program."""
    _cut(
        blocks_ptr, ends_ptr, segment_slots_ptr, segment_starts_ptr, tl.program_id(0) * CHUNK,
        tl.load(summary_ptr), tl.load(total_ptr), capacity, steps, SIZE, CHUNK,
    )  # fmt: skip


@triton.jit(do_not_specialize=["length", "num_tokens"])
def route_order_kernel(
    slots_ptr,  # [n] int32
    lengths_ptr,  # [n] int32, unused without HAS_LENGTHS
    first_tokens_ptr,  # [n] int64: first token of each item, unused without HAS_LENGTHS
    length,
    item_order_ptr,  # [n] int64
    item_starts_ptr,  # [n] int32
    order_ptr,  # [T] int64
    token_slots_ptr,  # [T] int32
    num_tokens,
    HAS_LENGTHS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Spread items over their tokens: program (rank of an item, stride over its tokens)."""
    rank = tl.program_id(0)
    item = tl.load(item_order_ptr + rank)
    size = length
    token = item * length
    if HAS_LENGTHS:
        size = tl.load(lengths_ptr + item)
        token = tl.load(first_tokens_ptr + item)
    position = tl.load(item_starts_ptr + rank)
    slot = tl.load(slots_ptr + item)
    for first in range(tl.program_id(1) * CHUNK, size, tl.num_programs(1) * CHUNK):
        offset = first + tl.arange(0, CHUNK)
        inside = position + offset < num_tokens
        tl.device_assert(inside | (offset >= size), "num_tokens is less than the lengths' sum")
        live = (offset < size) & inside
        tl.store(order_ptr + position + offset, token + offset.to(tl.int64), mask=live)
        at = token + offset
        tl.store(token_slots_ptr + at, slot + tl.zeros_like(offset), mask=live & (at < num_tokens))
