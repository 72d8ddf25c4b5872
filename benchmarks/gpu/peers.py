"""vLLM's and SGLang's LoRA kernels on the registry's inputs, where they are installed.

Written from their documented signatures (vLLM 0.33, SGLang 0.5.23); what raises or fails the
registry's check is reported and not timed.
"""

from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import torch
from torch import Tensor

from benchmarks.ops.inputs import Inputs
from benchmarks.ops.variants import Run


def installed() -> dict[str, Run]:
    """Return runs of the peers that can be imported here."""
    runs: dict[str, Run] = {}
    if find_spec("vllm") is not None:
        runs["vLLM"] = vllm
    if find_spec("sglang") is not None:
        runs["SGLang csgmv"] = sglang
    return runs


def vllm(i: Inputs) -> Tensor:
    """Shrink by atomics into a zeroed fp32 buffer, then expand adding into y.

    The kernels' scale is 1; B is scaled before.
    """
    from vllm.lora.ops.triton_ops import (  # pyright: ignore[reportMissingImports]
        LoRAKernelMeta,
        lora_expand,
        lora_shrink,
    )

    tokens, slots = i.x.shape[0], i.lora_a.shape[0]

    def prepare() -> tuple:
        meta = LoRAKernelMeta.make(slots, tokens, device=i.x.device)
        meta.prepare_tensors(i.slots)
        b = (i.lora_b * i.scalings[:, None, None].to(i.lora_b.dtype)).transpose(1, 2).contiguous()
        return meta.meta_args(tokens, False), b

    meta_args, b = i.once("vllm", prepare)
    s = torch.zeros(1, tokens, i.lora_a.shape[1], dtype=torch.float32, device=i.x.device)
    lora_shrink(i.x, [i.lora_a], s, *meta_args, 1.0)
    lora_expand(s, [b], i.y, *meta_args, add_inputs=True)
    return i.y


def sglang(i: Inputs) -> Tensor:
    """Run csgmv: chunks of 16 tokens from a permutation built on the host; both add into y."""
    from sglang.srt.lora.triton_ops import (  # pyright: ignore[reportMissingImports]
        chunked_sgmv_lora_expand_forward,
        chunked_sgmv_lora_shrink_forward,
    )

    info, b, offsets = i.once("sglang", lambda: _sglang_batch(i))
    s = chunked_sgmv_lora_shrink_forward(i.x, i.lora_a, info, 1)
    width = i.lora_b.shape[2]
    return chunked_sgmv_lora_expand_forward(s, b, info, offsets, width, i.y)


def _sglang_batch(i: Inputs) -> tuple:
    chunk = 16
    order = i.slots.argsort(stable=True)
    slots, counts = i.slots[order].unique_consecutive(return_counts=True)
    edges, owners = [0], []
    for slot, count in zip(slots.tolist(), counts.tolist(), strict=True):
        for first in range(0, count, chunk):
            edges.append(edges[-1] + min(chunk, count - first))
            owners.append(slot)
    device = i.x.device

    def table(values: list[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.int32, device=device)

    rank, width = i.lora_a.shape[1:]
    info = SimpleNamespace(
        bs=len(owners),
        num_segments=len(owners),
        max_len=chunk,
        use_cuda_graph=False,
        seg_indptr=table(edges),
        weight_indices=table(owners),
        lora_ranks=table([rank] * i.lora_a.shape[0]),
        scalings=i.scalings.float(),
        permutation=order.int(),
    )
    return info, i.lora_b.transpose(1, 2).contiguous(), table([0, width])


def inference_op_with_peers(op):
    """Return the registry's operator with the installed peers beside its own."""
    return replace(op, peers=op.peers | installed())
