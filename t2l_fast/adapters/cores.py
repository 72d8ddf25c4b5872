"""Cores in slots instead of A and B, for generators whose adapters lie in shared bases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.slab import LoraSlab, empty_slots
from t2l_fast.adapters.weights import LoraBatch
from t2l_fast.errors import AdapterMismatch
from t2l_fast.ops import basis_lora
from t2l_kernels import Route


@dataclass(frozen=True)
class Bases:
    """What all adapters of a generator share: A = core_a · a[m], B = core_b · b[m].

    Fields:
        a: key → `[1 | layers, h_a, in]`.
        b: key → `[1 | layers, h_b, out]`.
        fingerprint: of the generator; its cores fit no other bases.
    """

    a: dict[str, Tensor]
    b: dict[str, Tensor]
    fingerprint: str


@dataclass(frozen=True)
class CoreSlab(LoraSlab):
    """Slots that hold `rank · (h_a + h_b)` numbers per layer; `lora_a` and `lora_b` are the cores.

    Fields:
        bases: on the slots' devices, in their dtype.
    """

    bases: Bases

    @classmethod
    def over(
        cls,
        bases: Bases,
        sites: dict[str, list[Site]],
        num_slots: int,
        rank_max: int,
        dtype: torch.dtype,
    ) -> CoreSlab:
        """Empty slots over a copy of `bases`.

        Raises:
            AdapterMismatch: the bases don't fit the sites.
        """
        _check_fits(bases, sites)
        widths = {m: (a.shape[1], bases.b[m].shape[1]) for m, a in bases.a.items()}
        slots = empty_slots(sites, widths, num_slots, rank_max, dtype)
        with torch.inference_mode(False):
            a, b = (
                {m: t.detach().to(slots[0][m].device, dtype, copy=True) for m, t in part.items()}
                for part in (bases.a, bases.b)
            )
        return cls(*slots, Bases(a, b, bases.fingerprint))

    def check_fits(self, rank: int, modules: Iterable[str], slots: Tensor, adapters: int) -> None:
        """Raise AdapterMismatch: A and B are no cores, even where their sizes are the same."""
        raise AdapterMismatch(
            f"slots hold cores over the bases of generator {self.bases.fingerprint}, got A and B: "
            "attach with materialise=True"
        )

    def write_cores(self, cores: LoraBatch, slots: Tensor) -> None:
        """Put the cores of adapter i, as `CoreGenerator.cores` gives them, into `slots[i]`.

        Raises:
            AdapterMismatch: rank above `rank_max`, an unknown module, or not one slot per adapter.
        """
        super().check_fits(cores.config.rank, cores.lora_a, slots, len(cores))
        self._put(cores, slots)

    def layer(self, key: str, layer: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `ops.basis_lora` reads at one site: basis_a, core_a, core_b and basis_b."""
        a, b = self.bases.a[key], self.bases.b[key]
        return (
            a[min(layer, len(a) - 1)],
            self.lora_a[key][layer],
            self.lora_b[key][layer],
            b[min(layer, len(b) - 1)].mT,
        )


def add_core_delta(
    x: Tensor,
    y: Tensor,
    weights: tuple[Tensor, Tensor, Tensor, Tensor],
    route: Route,
    scalings: Tensor,
    ranks: Tensor,
) -> Tensor:
    """`y + delta`, out of place.

    Args:
        x: `[…, in]`, the linear's input.
        y: `[…, out]`, its output.
        weights: what `CoreSlab.layer` gives.
        route: of the leading dims of `x`, flattened.
        scalings: `[S]` fp32.
        ranks: `[S]` int32.
    """
    dtype = weights[1].dtype
    residual = y if y.dtype == dtype else None
    out = basis_lora(
        x.to(dtype), *weights, route, scalings=scalings, ranks=ranks, residual=residual
    )
    return out if residual is not None else y + out.to(y.dtype)


def _check_fits(bases: Bases, sites: dict[str, list[Site]]) -> None:
    for m, a in bases.a.items():
        group, b = sites.get(m), bases.b[m]
        fits = group is not None and all(
            len(t) in (1, len(group)) and t.shape[2] == width
            for t, width in ((a, group[0].in_features), (b, group[0].out_features))
        )
        if not fits:
            got = f"{m!r} with {tuple(a.shape)} and {tuple(b.shape)}"
            wanted = {k: (len(g), g[0].in_features, g[0].out_features) for k, g in sites.items()}
            raise AdapterMismatch(
                f"the generator's bases must fit the sites, (layers, in, out)={wanted}, got {got}: "
                "attach to the base model that the generator was made for, with all of its "
                "target_modules"
            )
