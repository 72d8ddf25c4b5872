"""A bank of up to a million registered adapters: memory, hits, and misses beside the matmuls."""

from pathlib import Path

import pytest

from t2l_fast.bench.bank import BATCH, measure

SIZES = [1_000, 10_000, 100_000, 1_000_000]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_million_registered_adapters(paired):
    rows = paired.once(lambda: list(measure(SIZES)))
    last = rows[-1]
    shape = "1,000,000 codes of 384 numbers (fp16), 128 slots"
    paired.add(
        "RAM of a registered adapter",
        shape,
        "≤ 1 KB",
        f"{last.bytes_each:.0f} bytes ({last.register_us:.1f} µs to register)",
        bytes_each=last.bytes_each,
    )
    paired.add(
        "lease and release of a resident adapter, p99",
        shape,
        "< 50 µs",
        f"{last.hit_us_p99:.0f} µs (p50 {last.hit_us_p50:.0f} µs)",
        p99=last.hit_us_p99,
    )
    paired.add(
        f"lease of {BATCH} adapters without a slot beside the generator's matmuls alone",
        f"{shape}; L, h 512, r 8, 30 layers, q and v of SmolLM2",
        "≤ 1.3×",
        f"{last.miss_ms / last.matmul_ms:.2f}× ({last.miss_ms:.0f} and {last.matmul_ms:.0f} ms)",
        ratio=last.miss_ms / last.matmul_ms,
    )
    for name in ("hit_us_p50", "miss_ms"):
        values = [getattr(row, name) for row in rows]
        paired.add(
            f"the same by number of registered adapters, {name}",
            ", ".join(f"{size:,}" for size in SIZES),
            "flat",
            ", ".join(f"{value:.0f}" for value in values),
        )
