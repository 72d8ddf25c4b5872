"""The cost model: bars, peers, and the tables that docs/kernels/ shows."""

from pathlib import Path

import pytest
import torch

from t2l_kernel_tools.cost import head
from t2l_kernel_tools.cost.peers import PEERS, comparison
from t2l_kernel_tools.cost.tables import DECODE, PREFILL, TRAINING, per_operator, table
from t2l_kernels._core.roofline import GPUS
from t2l_kernels.lora import cost
from t2l_kernels.lora.cost import Batch, forward, training

DOCS = Path(__file__).parents[2] / "docs" / "kernels"
ALL = DECODE | PREFILL | TRAINING
LIMITS = {8: 1.5, 16: 1.5, 32: 1.5, 64: 1.8}


@pytest.mark.parametrize("name", DECODE)
def test_decode_asks_for_little_more_than_the_least(name):
    for part in (cost.shrink, cost.expand):
        one = part(DECODE[name], 4096)
        assert one.issued <= 1.10 * one.least


@pytest.mark.parametrize("name", PREFILL | TRAINING)
def test_long_segments_read_adapters_again_but_not_often(name):
    batch = ALL[name]
    parts = [cost.shrink(batch, 4096), cost.expand(batch, 4096)]
    if name in TRAINING:
        parts += [cost.expand(batch, 4096, mode="gradient"), cost.grad(batch, 4096)]
    for part in parts:
        assert part.issued <= LIMITS[batch.rank] * part.least


def test_the_least_is_every_operand_once():
    batch = Batch((3, 1), in_features=64, out_features=32, rank=8, dtype=torch.float16)
    x, a, s = 4 * 64 * 2, 2 * 8 * 64 * 2, 4 * 8 * 4
    y, b = 2 * 4 * 32 * 2, 2 * 8 * 32 * 2
    assert forward(batch).least == x + a + s + s + y + b
    assert forward(batch).flops == 2 * 4 * 8 * (64 + 32)


@pytest.mark.parametrize("peer", ["vLLM", "SGLang csgmv", "Punica BGMV", "T2L hook"])
def test_no_more_bytes_than_a_peer(peer):
    """SGLang keeps s in 16 bits and one plane; ours, fp32 planes, costs 1% at decode at most."""
    for name, batch in ALL.items():
        theirs = PEERS[peer](batch)
        if theirs is not None:
            assert forward(batch).issued <= 1.01 * theirs.issued, name


@pytest.mark.parametrize("peer", ["vLLM", "SGLang csgmv", "Punica BGMV"])
def test_fewer_programs_than_a_peer(peer):
    for name, batch in ALL.items():
        theirs = PEERS[peer](batch)
        if theirs is not None:
            assert forward(batch).programs < theirs.programs, name


def test_modelled_time_is_bound_by_bandwidth_at_every_rank():
    """Design: both operators are bandwidth-bound for rank ≤ 128."""
    for batch in [Batch((512,) * 8, rank=128, max_segments=8), *ALL.values()]:
        for gpu in GPUS:
            whole = training(batch)
            assert whole.seconds(gpu) == whole.issued / gpu.bytes_per_second


@pytest.mark.parametrize(
    "lines",
    [
        *per_operator().values(),
        table(DECODE | PREFILL, forward),
        table(TRAINING, training),
        comparison(ALL),
        head.table(),
    ],
    ids=[*per_operator(), "inference", "training", "peers", "head"],
)
def test_the_docs_show_what_the_model_says(lines):
    text = "\n".join((DOCS / page).read_text() for page in ("bytes.md", "heads.md"))
    missing = [line for line in lines if line not in text]
    assert not missing, "run t2l_kernel_tools.cost.tables (or .head) and paste"


def test_a_thousand_mistral_adapters_take_an_h100_under_10_ms():
    """Modelled, also where L2 delivers 5.5 TB/s to tiles that read each operand many times."""
    h100 = GPUS[1]
    whole = [head.head_into_slots(call) for call in head.mistral(1000)]
    assert sum(part.flops for part in whole) == 2 * 512 * 8 * (3 * 4096 + 1024) * 32 * 1000
    written = sum(32 * 1000 * 8 * width * 2 for width in (4096, 4096, 4096, 1024))
    read = sum(part.issued for part in whole) - written
    assert 1e3 * sum(part.flops for part in whole) / h100.flops_per_second < 3.6
    assert 1e3 * read / 5.5e12 < 7.6
