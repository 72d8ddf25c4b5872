"""Cores in slots instead of A and B, for generators whose adapters lie in shared bases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_fast.adapters.bases import Bases
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.generator import AdapterGenerator, CoreGenerator
from t2l_fast.adapters.kinds.base import Delta, NoDelta
from t2l_fast.adapters.kinds.matrices import MatrixSlots, empty_slots
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterMismatch, ArgumentError
from t2l_fast.ops import basis_lora
from t2l_kernels import Route, Workspace


@dataclass(frozen=True)
class CoreSlab(MatrixSlots):
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
        """Return empty slots over a copy of `bases`.

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

    @classmethod
    def allocate(
        cls,
        sites: dict[str, list[Site]],
        num_slots: int,
        rank_max: int,
        dtype: torch.dtype,
        *,
        bases: Bases | None = None,
    ) -> CoreSlab:
        """Return empty slots over a copy of `bases`.

        Raises:
            ArgumentError: there are no bases.
            AdapterMismatch: they don't fit the sites.
        """
        if bases is None:
            raise ArgumentError("slots of cores need a generator's bases, got none: use lora slots")
        return cls.over(bases, sites, num_slots, rank_max, dtype)

    @property
    def holds_weights(self) -> bool:
        """False: weights lie in no shared basis."""
        return False

    def delta(self, site: Site) -> Delta:
        """Return what the hook of a site applies."""
        key = site.key
        if key not in self.ranks:
            return NoDelta()
        layer = site.layer
        return CoreDelta(self.layer(key, layer), self.scalings[key][layer], self.ranks[key][layer])

    def fill(self, generator: AdapterGenerator, codes: Tensor, slots: Tensor) -> None:
        """Put the cores of code i `[N, *code_shape]` into `slots[i]`.

        Raises:
            AdapterMismatch: the generator's adapters share no bases.
        """
        self.write_cores(self.own_form(generator, codes), slots)

    def own_form(self, generator: AdapterGenerator, codes: Tensor) -> LoraBatch:
        """Return the cores of `[N, *code_shape]` codes.

        Raises:
            AdapterMismatch: the generator's adapters share no bases.
        """
        if not isinstance(generator, CoreGenerator):
            raise AdapterMismatch(
                f"slots hold cores, got a generator of kind {generator.kind}, which gives none: "
                "attach with materialise=True"
            )
        return generator.cores(codes)

    def write_own(self, weights: LoraWeights, slot: int) -> None:
        """Put the cores of one adapter into `slot`, as `write_cores`."""
        a = {m: t[:, None] for m, t in weights.lora_a.items()}
        b = {m: t[:, None] for m, t in weights.lora_b.items()}
        self.write_cores(LoraBatch(weights.config, a, b), torch.tensor([slot]))

    def check_generator(self, fingerprint: str | None) -> None:
        """Raise AdapterMismatch unless cores of the generator as it is now fit the bases."""
        if fingerprint != self.bases.fingerprint:
            raise AdapterMismatch(
                f"slots hold cores over the bases of generator {self.bases.fingerprint}, got "
                f"{fingerprint}: its weights changed, so detach and attach again"
            )

    def check_weights(self) -> None:
        """Raise AdapterMismatch: weights lie in no shared basis."""
        raise AdapterMismatch(
            "slots hold cores over a generator's bases, got weights, which lie in no such "
            "basis: attach with materialise=True"
        )

    def check_fits(self, rank: int, modules: Iterable[str], slots: Tensor, adapters: int) -> None:
        """Raise AdapterMismatch: A and B are no cores, even where their sizes are the same."""
        raise AdapterMismatch(
            f"slots hold cores over the bases of generator {self.bases.fingerprint}, got A and B: "
            "attach with materialise=True"
        )

    def write(self, weights: LoraWeights, slot: int) -> None:
        """Raise AdapterMismatch, as `check_fits`."""
        self.check_fits(weights.config.rank, weights.lora_a, torch.tensor([slot]), 1)

    def write_batch(self, batch: LoraBatch, slots: Tensor) -> None:
        """Raise AdapterMismatch, as `check_fits`."""
        self.check_fits(batch.config.rank, batch.lora_a, slots, len(batch))

    def write_cores(self, cores: LoraBatch, slots: Tensor) -> None:
        """Put the cores of adapter i, as `CoreGenerator.cores` gives them, into `slots[i]`.

        Raises:
            AdapterMismatch: rank above `rank_max`, an unknown module, or not one slot per adapter.
        """
        self._check_sizes(cores.config.rank, cores.lora_a, slots, len(cores))
        self._put(cores, slots)

    def layer(self, key: str, layer: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what `ops.basis_lora` reads at a site: basis_a, core_a, core_b and basis_b."""
        a, b = self.bases.a[key], self.bases.b[key]
        return (
            a[min(layer, len(a) - 1)],
            self.lora_a[key][layer],
            self.lora_b[key][layer],
            b[min(layer, len(b) - 1)].mT,
        )


class CoreDelta:
    """Cores and bases of one site's slots.

    Args:
        weights: what `CoreSlab.layer` gives.
        scalings: `[S]` fp32.
        ranks: `[S]` int32.
    """

    def __init__(
        self, weights: tuple[Tensor, Tensor, Tensor, Tensor], scalings: Tensor, ranks: Tensor
    ) -> None:
        self.weights, self.scalings, self.ranks = weights, scalings, ranks

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor:
        """Return `y` with every row's adapter applied, as `Delta.apply` says."""
        return add_core_delta(x, y, self.weights, route, self.scalings, self.ranks)


def add_core_delta(
    x: Tensor,
    y: Tensor,
    weights: tuple[Tensor, Tensor, Tensor, Tensor],
    route: Route,
    scalings: Tensor,
    ranks: Tensor,
) -> Tensor:
    """Return `y + delta`, out of place.

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
