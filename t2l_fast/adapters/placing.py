"""Where an adapter's layers go among a model's sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from t2l_fast.adapters.sites import Site, is_excluded
from t2l_fast.config.patterns import matches
from t2l_fast.errors import AdapterMismatch

Place = tuple[str, int]
"""An adapter's own key, and the layer under it."""


def places(
    paths: Mapping[str, tuple[str, ...]],
    sites: Mapping[str, Sequence[Site]],
    targets: Sequence[str] | str,
    exclude: Sequence[str] | str = (),
) -> dict[str, list[Place | None]]:
    """Return site key → the adapter's layer for every site, None where it has none.

    Args:
        paths: adapter key → module path of every layer.
        sites: key → its sites.
        targets: the adapter's own target modules.
        exclude: paths to drop, as in `find_sites`.

    Raises:
        AdapterMismatch: a module is not among the sites. Or a site that `targets` pick has no
            weights, but other layers have: the adapter belongs to another model.
    """
    place = {
        path: (key, layer)
        for key, group in paths.items()
        for layer, path in enumerate(group)
        if not is_excluded(path, exclude)
    }
    families = {_family(path) for path in place}
    placed: dict[str, list[Place | None]] = {}
    absent: list[str] = []
    for key, group in sites.items():
        row = [place.pop(site.path, None) for site in group]
        if any(row):
            placed[key] = row
        absent += [s.path for s, p in zip(group, row, strict=True) if p is None]
    experts = next((path for path in place if "experts" in path.split(".")), None)
    if experts is not None:
        raise AdapterMismatch(
            f"MoE experts carry no adapters here, got weights for {experts}: merge the adapter "
            "into the base model with PEFT, or leave its experts out with exclude="
        )
    if place:
        raise AdapterMismatch(
            f"the adapter's modules must be among the attached sites, got {next(iter(place))} "
            f"(and {len(place) - 1} more): attach with target_modules that cover them, or leave "
            "them out with exclude="
        )
    if not placed:
        raise AdapterMismatch("an adapter must have weights for a site, got all of them excluded")
    absent = [path for path in absent if _family(path) in families and _picks(targets, path)]
    if absent:
        raise AdapterMismatch(
            f"an adapter must cover all layers that its target_modules pick, got none for "
            f"{absent[0]} (and {len(absent) - 1} more): it belongs to another model, or its "
            "config misses layers_to_transform"
        )
    return placed


def newer_paths(model: nn.Module, paths: Sequence[str]) -> dict[str, str]:
    """Return path → its present path, for modules that are somewhere else in this model.

    transformers may have moved them since. Or the adapter was trained on the model without its
    head, or on one with a head, so that the paths differ by `base_model_prefix`.

    Args:
        model: the one that the adapter is for.
        paths: of the adapter's modules.
    """
    names = {name for name, _ in model.named_modules()}
    moved = [path for path in paths if path not in names]
    renamings = _renamings(model) if moved else []
    prefix = getattr(model, "base_model_prefix", "")
    present: dict[str, str] = {}
    for path in moved:
        name = f"{path}.weight"
        for renaming in renamings:
            name, _ = renaming.rename_source_key(name)
        bare = name.removesuffix(".weight")
        candidates = (bare, f"{prefix}.{path}", path.removeprefix(f"{prefix}."))
        place = next((c for c in candidates if c in names), None)
        if place is not None:
            present[path] = place
    return present


def _renamings(model: nn.Module) -> list:
    """Return transformers' renamings of a model's checkpoints, none for other models."""
    if not hasattr(getattr(model, "config", None), "model_type"):
        return []
    try:
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightRenaming
    except ImportError:  # before these mappings had one home
        return []
    mapping = get_model_conversion_mapping(model)  # pyright: ignore
    return [entry for entry in mapping if isinstance(entry, WeightRenaming)]


def _family(path: str) -> str:
    """Return a path without its layer index: what all layers of a module share."""
    return ".".join(part for part in path.split(".") if not part.isdigit())


def _picks(targets: Sequence[str] | str, path: str) -> bool:
    return targets == "all-linear" or matches(path, targets)
