"""Every operator, declared once: implementations, peers, bytes, FLOPs, and its check.

A time is printed only of what passed `check` on the same tensors in the same process.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import torch

from benchmarks.ops import variants as v
from benchmarks.ops.inputs import Inputs, in_dtype
from benchmarks.ops.variants import HIDDEN, Run
from t2l_kernels.basis import cost as basis_cost
from t2l_kernels.lora import cost


@dataclass(frozen=True)
class Op:
    """One operator and its rivals: each returns what `truth` returns, to its dtype's error."""

    name: str
    truth: Run  # fp64
    implementations: dict[str, Run]
    peers: dict[str, Run]
    cost: Callable[[cost.Batch], cost.Cost]

    def check(self, name: str, inputs: Inputs) -> None:
        """Raise unless the implementation or peer is right on these inputs.

        Raises:
            AssertionError: it errs by more than four times what plain torch does in this dtype.
        """
        exact = self.truth(in_dtype(inputs, torch.float64))
        plain = self.truth(inputs).double()
        allowed = 4 * (plain - exact).abs().max() + 1e-3
        fresh = replace(inputs, y=inputs.y.clone())
        error = ((self.implementations | self.peers)[name](fresh).double() - exact).abs().max()
        assert error <= allowed, f"{self.name}, {name}: error {error:.3g}, allowed {allowed:.3g}"


OPS = {
    "shrink": Op(
        name="lora_shrink",
        truth=v.shrink_by_adapter,
        implementations={"triton": v.shrink("triton"), "torch": v.shrink("torch")},
        peers={"loop over adapters": v.shrink_by_adapter, "bmm gather": v.shrink_bmm_gather},
        cost=lambda batch: cost.shrink(batch, batch.in_features),
    ),
    "expand": Op(
        name="lora_expand in place",
        truth=lambda i: v.expand_by_adapter(replace(i, y=i.y.clone())),
        implementations={"triton": v.expand("triton"), "torch": v.expand("torch")},
        peers={"loop over adapters": v.expand_by_adapter, "bmm gather": v.expand_bmm_gather},
        cost=lambda batch: cost.expand(batch, batch.out_features),
    ),
    "inference": Op(
        name="inference: shrink, expand in place",
        truth=lambda i: v.by_adapter(replace(i, y=i.y.clone())),
        implementations={"triton": v.ours("triton"), "torch": v.ours("torch")},
        peers={
            "loop over adapters": v.by_adapter,
            "bmm gather": v.bmm_gather,
            "all slots": v.all_slots,
            "grouped_mm": v.grouped_mm,
        },
        cost=cost.forward,
    ),
    "basis": Op(
        name=f"basis_lora, h {HIDDEN}",
        truth=lambda i: v.by_adapter(replace(v.materialised(i), y=i.y.clone())),
        implementations={"triton": v.our_basis("triton"), "torch": v.our_basis("torch")},
        peers={"materialised": v.materialised_lora},
        cost=lambda batch: reduce(add, basis_cost.inference(batch, HIDDEN)),
    ),
    "training": Op(
        name="training: forward, dx, dA, dB",
        truth=v.step_by_adapter,
        implementations={"triton": v.our_step("triton"), "torch": v.our_step("torch")},
        peers={"loop over adapters": v.step_by_adapter, "published T2L hook": v.published_hook},
        cost=cost.training,
    ),
}
