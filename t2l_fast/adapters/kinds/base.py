"""The protocol of a kind of adapter: slots that hold N of them, and the delta of one site."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from typing_extensions import Self

from t2l_fast.adapters.bases import Bases
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_kernels import Route, Workspace


class Delta(Protocol):
    """What a site adds to its output; the hook makes one call and knows no kind."""

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor | None:
        """Return `y` with every row's adapter applied, or None where the site has none.

        Args:
            site: for deltas that many sites share.
            x: `[…, in]`, the linear's input.
            y: `[…, out]`, its output; may be written in place where autograd allows it.
            route: of the leading dims of `x`, flattened.
            workspace: for what no gradient keeps.
        """
        ...


class Slots(Protocol):
    """Slots of one kind on a model's devices; the bank fills them, and hooks read them."""

    @property
    def num_slots(self) -> int:
        """Adapters held at once."""
        ...

    @property
    def rank_max(self) -> int:
        """Largest rank that a slot takes."""
        ...

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one slot, all sites together."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the tensors in the slots."""
        ...

    @property
    def device(self) -> torch.device:
        """Where leases put their slots."""
        ...

    @property
    def holds_weights(self) -> bool:
        """Whether weights can be written, not codes of a generator alone."""
        ...

    @classmethod
    def allocate(
        cls,
        sites: dict[str, list[Site]],
        num_slots: int,
        rank_max: int,
        dtype: torch.dtype,
        *,
        bases: Bases | None = None,
    ) -> Self:
        """Return empty slots on the device of each key's sites.

        Args:
            sites: key → its sites, in layer order.
            num_slots: adapters held at once.
            rank_max: largest rank that a slot takes.
            dtype: of what the slots hold.
            bases: what all adapters of a generator share, for kinds that need it.
        """
        ...

    def delta(self, site: Site) -> Delta:
        """Return what the hook of a site applies."""
        ...

    def write(self, weights: LoraWeights, slot: int) -> None:
        """Put one adapter into a slot."""
        ...

    def fill(self, generator: AdapterGenerator, codes: Tensor, slots: Tensor) -> None:
        """Put the adapter of code i `[N, *code_shape]` into `slots[i]`."""
        ...

    def own_form(self, generator: AdapterGenerator, codes: Tensor) -> LoraBatch:
        """Return the adapters of `[N, *code_shape]` codes as slots hold them: A and B, or cores."""
        ...

    def write_own(self, weights: LoraWeights, slot: int) -> None:
        """Put an adapter in the form of `own_form` into a slot."""
        ...

    def check_generator(self, fingerprint: str | None) -> None:
        """Raise AdapterMismatch unless codes of this generator can fill the slots."""
        ...

    def check_weights(self) -> None:
        """Raise AdapterMismatch unless weights can be written."""
        ...

    def clear(self, slots: Tensor) -> None:
        """Make slots empty."""
        ...


class NoDelta:
    """The delta of a site that no slot has anything for."""

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> None:
        """Return None."""
        return None
