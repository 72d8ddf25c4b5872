"""Heads straight into slots: beside the machine's own GEMM rate, and beside the original's way."""

import torch

from t2l_fast.ops import head_into_slots

LAYERS, ADAPTERS, RANK, WIDTH, H = 32, 64, 8, 4096, 512
SHAPE = f"{ADAPTERS} adapters, {LAYERS} layers, L, r {RANK}, d {WIDTH}, h {H}"


@torch.no_grad()
def test_rate_and_one_at_a_time(paired):
    torch.manual_seed(0)
    latents = torch.randn(LAYERS, ADAPTERS, 1, H)
    weight, bias = torch.randn(RANK, WIDTH, H) / H**0.5, torch.randn(RANK, WIDTH)
    flat, rows = weight.view(RANK * WIDTH, H), latents.view(-1, H)
    out = torch.zeros(LAYERS, ADAPTERS, RANK, WIDTH)
    dense = torch.empty(LAYERS * ADAPTERS, RANK * WIDTH)
    slots = torch.arange(ADAPTERS)

    def original() -> None:
        """One adapter at a time, layer by layer, each copied to where it is read."""
        for n in range(ADAPTERS):
            rows_of = [latents[layer, n] @ flat.T + bias.view(-1) for layer in range(LAYERS)]
            for layer, row in enumerate(rows_of):
                out[layer, n] = row.view(RANK, WIDTH).clone()

    head_into_slots(latents, weight, bias, slots=slots, out=out)
    mine = out.clone()
    original()
    torch.testing.assert_close(mine, out, rtol=1e-4, atol=1e-4)
    times = paired.milliseconds(
        {
            "into slots": lambda: head_into_slots(latents, weight, bias, slots=slots, out=out),
            "gemm": lambda: torch.mm(rows, flat.T, out=dense),
            "one at a time": original,
        },
        rounds=5,
    )
    rate = times["gemm"] / times["into slots"]
    gflops = 2e-6 * LAYERS * ADAPTERS * RANK * WIDTH * H / times["into slots"]
    paired.add(
        "head into slots beside one GEMM of all rows",
        SHAPE,
        "≥ 0.8 of its rate",
        f"{rate:.2f} ({gflops:.0f} GFLOP/s)",
        rate=rate,
        **times,
    )
    faster = times["one at a time"] / times["into slots"]
    paired.add(
        "head into slots beside one adapter at a time, layer by layer, copied",
        SHAPE,
        "≥ 3× faster",
        f"{faster:.1f}× ({times['into slots']:.0f} and {times['one at a time']:.0f} ms)",
        faster=faster,
    )
