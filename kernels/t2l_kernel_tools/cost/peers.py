"""What other systems' documented layouts and grids issue for the same batch: arithmetic.

From their sources (versions in docs/kernels/bytes.md), at their default tiles. Each gets its best
case: tables, host work and atomics' read-modify-write cost nothing here, live rank equals the rank
compiled in. Forward only: one shrink and one expand that adds into the linear's output.
"""

from collections.abc import Callable

from t2l_kernels._core.roofline import Cost
from t2l_kernels.lora.cost import Batch, forward


def _tiles(batch: Batch, rows: int) -> int:
    return sum(-(-length // rows) for length in batch.lengths)


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def _cost(batch: Batch, issued: int, launches: int, programs: int, flops: int = 0) -> Cost:
    ours = forward(batch)
    return Cost(ours.least, issued, flops or ours.flops, launches, programs, programs)


def vllm(batch: Batch) -> Cost:
    """Model vLLM 0.33: (split-K × all row tiles × rank tiles, active adapters) and atomics."""
    size, rank, tokens, active = batch.size, batch.rank, batch.tokens, len(batch.lengths)
    split = 64 if tokens < 128 else 8
    rank_tiles = _ceil(rank, 16)
    s = tokens * rank * 4
    shrink = tokens * batch.in_features * size * rank_tiles
    shrink += _tiles(batch, 32) * rank * batch.in_features * size + (split + 1) * s
    columns = _ceil(batch.out_features, 128)
    expand = 2 * tokens * batch.out_features * size + columns * s
    expand += _tiles(batch, 64) * rank * batch.out_features * size
    programs = split * _ceil(tokens, 32) * rank_tiles * active
    programs += _ceil(tokens, 64) * columns * active
    return _cost(batch, shrink + expand, 3, programs)


def sglang(batch: Batch) -> Cost:
    """Model SGLang 0.5.23 csgmv: chunks of 16 tokens, rank tiles of 16, column tiles of 64."""
    size, rank, tokens = batch.size, batch.rank, batch.tokens
    chunks, rank_tiles, columns = _tiles(batch, 16), _ceil(rank, 16), _ceil(batch.out_features, 64)
    s = tokens * rank * size
    shrink = tokens * batch.in_features * size * rank_tiles
    shrink += chunks * rank * batch.in_features * size + s
    expand = 2 * tokens * batch.out_features * size + columns * s
    expand += chunks * rank * batch.out_features * size
    return _cost(batch, shrink + expand, 2, chunks * (rank_tiles + columns))


def punica(batch: Batch) -> Cost | None:
    """Model Punica's BGMV, one token each: programs (rank row, token), then (64 columns, token)."""
    if max(batch.lengths) > 1:
        return None
    size, rank, tokens = batch.size, batch.rank, batch.tokens
    columns = _ceil(batch.out_features, 64)
    s = tokens * rank * size
    shrink = 2 * tokens * rank * batch.in_features * size + s
    expand = tokens * batch.out_features * (2 + rank) * size + columns * s
    return _cost(batch, shrink + expand, 2, tokens * (rank + columns))


def lorafusion(batch: Batch) -> Cost | None:
    """Model LoRAFusion: rows padded to 128 per adapter, x against all adapters' A.

    Its expand runs inside the base GEMM, so its y costs nothing extra. The released code takes at
    most 4 adapters; the model counts any number.
    """
    size, rank, active = batch.size, batch.rank, len(batch.lengths)
    if min(batch.lengths) < 16:
        return None
    padded = 128 * _tiles(batch, 128)
    shrink = padded * batch.in_features * size + padded * rank * active * size
    shrink += _ceil(padded, 128) * rank * active * batch.in_features * size
    columns = _ceil(batch.out_features, 256)
    expand = columns * padded * rank * size
    expand += _ceil(padded, 128) * rank * batch.out_features * size
    flops = 2 * padded * rank * (active * batch.in_features + batch.out_features)
    programs = _ceil(padded, 128) * (_ceil(rank * active, 128) + columns)
    return _cost(batch, shrink + expand, 1, programs, flops)


def t2l_hook(batch: Batch) -> Cost:
    """Model Text-to-LoRA's published training hook: A and B repeated for every token, then bmm."""
    size, rank, tokens = batch.size, batch.rank, batch.tokens
    both = batch.in_features + batch.out_features
    copies = 3 * tokens * rank * both * size  # read, written, read by bmm
    rows = tokens * batch.in_features * size + 2 * tokens * rank * size
    outputs = 6 * tokens * batch.out_features * size  # bmm, scaled, added to y
    return _cost(batch, copies + rows + outputs, 6, 2 * tokens)


PEERS: dict[str, Callable[[Batch], Cost | None]] = {
    "vLLM": vllm,
    "SGLang csgmv": sglang,
    "Punica BGMV": punica,
    "LoRAFusion": lorafusion,
    "T2L hook": t2l_hook,
}


def comparison(batches: dict[str, Batch]) -> list[str]:
    """Return Markdown rows: issued bytes and launched programs as multiples of ours."""
    lines = [
        "| batch | ours: MB, programs | " + " | ".join(PEERS) + " |",
        "|---|---|" + "---|" * len(PEERS),
    ]
    for name, batch in batches.items():
        ours = forward(batch)
        cells = []
        for peer in PEERS.values():
            cost = peer(batch)
            cells.append(
                "—"
                if cost is None
                else f"{cost.issued / ours.issued:.2f}×, {cost.programs / ours.programs:.2f}×"
            )
        lines.append(f"| {name} | {ours.issued / 1e6:.2f}, {ours.programs} | " + " | ".join(cells)
                     + " |")  # fmt: skip
    return lines
