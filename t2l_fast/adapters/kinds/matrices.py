"""Slots that hold two matrices per site and adapter; what they mean is the kind's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.sites import Site
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch


@dataclass(frozen=True)
class MatrixSlots:
    """Both matrices rank-major, so that a low live rank reads contiguous rows.

    Fields:
        lora_a: key → `[layers, slots, rank_max, width of A]`; rows at or beyond the live rank are
            never read.
        lora_b: key → `[layers, slots, rank_max, width of B]`.
        ranks: key → `[layers, slots]` int32; 0 = the slot's adapter doesn't touch this layer.
        scalings: key → `[layers, slots]` fp32.
    """

    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    ranks: dict[str, Tensor]
    scalings: dict[str, Tensor]

    @property
    def num_slots(self) -> int:
        """Adapters held at once."""
        return next(iter(self.ranks.values())).shape[1]

    @property
    def rank_max(self) -> int:
        """Largest rank that a slot takes."""
        return next(iter(self.lora_a.values())).shape[2]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of both matrices."""
        return next(iter(self.lora_a.values())).dtype

    @property
    def device(self) -> torch.device:
        """Where leases put their slots."""
        return next(iter(self.ranks.values())).device

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one slot, all sites together."""
        tensors = (*self.lora_a.values(), *self.lora_b.values())
        return sum(t.numel() * t.element_size() for t in tensors) // self.num_slots

    @torch.no_grad()
    def _put(self, batch: LoraBatch, slots: Tensor) -> None:
        rank = batch.config.rank
        for m in batch.lora_a:
            index = slots.to(self.ranks[m].device, torch.int64)
            keep = (index >= 0).nonzero().squeeze(1)
            for slab, new in ((self.lora_a, batch.lora_a), (self.lora_b, batch.lora_b)):
                rows = new[m].to(slab[m].device, slab[m].dtype)
                rows = rows if len(keep) == len(batch) else rows[:, keep]
                slab[m][:, index[keep], :rank] = rows
        self.mark(batch.config, batch.lora_a, slots)

    def _check_sizes(self, rank: int, modules: Iterable[str], slots: Tensor, adapters: int) -> None:
        """Raise unless adapters of this rank on these modules fit `slots`.

        Raises:
            AdapterMismatch: rank above `rank_max`, an unknown module, or not one slot per adapter.
        """
        if rank > self.rank_max or set(modules) - self.lora_a.keys() or slots.shape != (adapters,):
            raise AdapterMismatch(
                f"{self.num_slots} slots hold rank ≤ {self.rank_max} for {sorted(self.lora_a)}, "
                f"got rank {rank} for {sorted(modules)} and {adapters} adapters for slots of "
                f"shape {tuple(slots.shape)}: attach with a larger rank_max or more target_modules"
            )

    def mark(self, config: LoraConfig, modules: Iterable[str], slots: Tensor) -> None:
        """Set live rank and scale of slots that were filled; other modules get rank 0 there."""
        filled = set(modules)
        live = slots[slots >= 0].long()
        for m, ranks in self.ranks.items():
            index = live.to(ranks.device, non_blocking=True)
            ranks[:, index] = config.rank if m in filled else 0
            if m in filled:
                self.scalings[m][:, index] = config.scaling

    def clear(self, slots: Tensor) -> None:
        """Make slots empty: whatever runs them gets the base model."""
        for ranks in self.ranks.values():
            ranks[:, slots.to(ranks.device, torch.int64)] = 0


def empty_slots(
    sites: dict[str, list[Site]],
    widths: dict[str, tuple[int, int]],
    num_slots: int,
    rank_max: int,
    dtype: torch.dtype,
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Return both matrices, ranks and scalings of empty slots, on their sites' devices.

    Args:
        widths: key → row lengths of the two matrices.
    """
    lora_a, lora_b, ranks, scalings = {}, {}, {}, {}
    padded = -(-num_slots // 4) * 4  # rows of 16 bytes' multiples: one build of a kernel for all
    with torch.inference_mode(False):  # slots are written in and out of inference mode
        for m, (width_a, width_b) in widths.items():
            device = next(sites[m][0].module.parameters()).device
            shape = (len(sites[m]), num_slots, rank_max)
            lora_a[m] = torch.zeros(*shape, width_a, dtype=dtype, device=device)
            lora_b[m] = torch.zeros(*shape, width_b, dtype=dtype, device=device)
            ranks[m], scalings[m] = (
                torch.zeros(shape[0], padded, dtype=kind, device=device)[:, :num_slots]
                for kind in (torch.int32, torch.float32)
            )
    return lora_a, lora_b, ranks, scalings
