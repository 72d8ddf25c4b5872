"""Where adapters attach: linears found by name, keyed without their layer index."""

from __future__ import annotations

import difflib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from t2l_fast.config.patterns import matches
from t2l_fast.errors import SiteNotFound, UnsupportedModel

Template = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """One linear of the model that carries adapters, or one embedding.

    Fields:
        in_features: num_embeddings of an embedding.
        out_features: embedding_dim of an embedding.
    """

    key: str  # shared by this linear in every layer, e.g. "q_proj"
    layer: int  # position among the sites of the key, from 0
    path: str  # "model.layers.3.self_attn.q_proj"
    module: nn.Module
    in_features: int
    out_features: int

    @property
    def is_embedding(self) -> bool:
        """Whether the input is token ids."""
        return isinstance(self.module, nn.Embedding)


def find_sites(
    model: nn.Module, target_modules: Sequence[str] | str, *, exclude: Sequence[str] | str = ()
) -> dict[str, list[Site]]:
    """Find the linears and embeddings to adapt, grouped by key; names match as in PEFT.

    Args:
        model: any module tree.
        target_modules: last names or path suffixes. One string is "all-linear" (every linear but
            the output head), else a regular expression for the whole path.
        exclude: names or path suffixes to leave out, of linears or of what holds them. One string
            is a name, or a regular expression for the whole path.

    Returns:
        Key → its sites in layer order. Layers of another shape than the first have a key of their
        own, such as "q_proj@2048x4096" (in, out).

    Raises:
        ConfigError: a regular expression is invalid or too slow.
        SiteNotFound: a target matches nothing (near names are listed).
        UnsupportedModel: a target is no linear or embedding, belongs to MoE experts, or is split by
            tensor parallelism.
    """
    modules = dict(model.named_modules())
    chosen = _select(model, modules, target_modules, exclude)
    for path in chosen:
        _refuse(path, modules)
    shapes: dict[str, tuple[int, int]] = {}
    for path in chosen:
        module = modules[path]
        if isinstance(module, nn.Embedding):
            shape = module.num_embeddings, module.embedding_dim
        else:
            shape = _features(module)
        if shape is None:
            raise UnsupportedModel(
                f"a target module must be a linear, got {path} ({type(module).__name__}): "
                f"name the linears inside it, e.g. {_linears_below(path, modules)}"
            )
        shapes[path] = shape
    groups = grouped(shapes, modules)
    return {
        key: [
            Site(key, layer, path, modules[path], *shapes[path]) for layer, path in enumerate(paths)
        ]
        for key, paths in groups.items()
    }


def grouped(shapes: Mapping[str, tuple[int, int]], universe: Iterable[str]) -> dict[str, list[str]]:
    """Return key → paths, in the order of `shapes`; each key has one shape.

    Args:
        shapes: path → (in, out).
        universe: all paths among which a key is unique.
    """
    keys = keys_of(shapes, universe)
    first: dict[str, tuple[int, int]] = {}
    groups: dict[str, list[str]] = {}
    for path, shape in shapes.items():
        key = keys[path]
        if first.setdefault(key, shape) != shape:
            key = f"{key}@{shape[0]}x{shape[1]}"
        groups.setdefault(key, []).append(path)
    return groups


def is_excluded(path: str, exclude: Sequence[str] | str) -> bool:
    """Return whether `exclude`, as in `find_sites`, leaves a path out."""
    if isinstance(exclude, str):
        return matches(path, exclude) or is_excluded(path, (exclude,))
    parts = path.split(".")
    return any(matches(".".join(parts[:n]), exclude) for n in range(1, len(parts) + 1))


def keys_of(paths: Iterable[str], universe: Iterable[str]) -> dict[str, str]:
    """Return each path's key: its shortest suffix without layer index, unique in `universe`."""
    templates = {_template(path) for path in universe}
    suffixes = Counter(t[-n:] for t in templates for n in range(1, len(t) + 1))
    keys = {}
    for path in paths:
        template = _template(path)
        sizes = range(1, len(template) + 1)
        size = next((n for n in sizes if suffixes[template[-n:]] == 1), len(template))
        keys[path] = ".".join(template[-size:])
    return keys


def is_transposed(module: nn.Module) -> bool:
    """Return whether a module's weight is stored `[in, out]`."""
    return is_conv1d(module) or isinstance(module, nn.Embedding)


def is_conv1d(module: nn.Module) -> bool:
    """Return whether a module is GPT-2's linear, whose weight is stored `[in, out]`."""
    transformers = sys.modules.get("transformers.pytorch_utils")
    return transformers is not None and isinstance(module, transformers.Conv1D)


def _select(
    model: nn.Module,
    modules: dict[str, nn.Module],
    targets: Sequence[str] | str,
    exclude: Sequence[str] | str,
) -> list[str]:
    if targets == "all-linear":
        head = getattr(model, "get_output_embeddings", lambda: None)()
        chosen = [p for p, m in modules.items() if p and m is not head and _features(m)]
    else:
        chosen = [path for path in modules if path and matches(path, targets)]
    wanted = [targets] if isinstance(targets, str) else targets
    for name in wanted if targets != "all-linear" else ():
        pattern = name if isinstance(targets, str) else (name,)
        if not any(matches(path, pattern) for path in chosen):
            raise SiteNotFound(_not_found(name, modules, model))
    chosen = [path for path in chosen if not is_excluded(path, exclude)]
    if not chosen:
        raise SiteNotFound(f"target_modules {targets!r} with exclude={exclude!r} leave no module")
    return chosen


def _not_found(name: str, modules: dict[str, nn.Module], model: nn.Module) -> str:
    leaf = name.rsplit(".", 1)[-1]
    if any(leaf in path.split(".") for path, _ in model.named_parameters()):
        return (
            f"target module {name!r} is a parameter of {type(model).__name__}, not a linear: "
            "fused MoE experts and bare parameters carry no adapters here"
        )
    names = sorted(
        {path.rsplit(".", 1)[-1] for path, m in modules.items() if path and _features(m)}
    )
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:12]
    return (
        f"target module {name!r} is not in {type(model).__name__}: did you mean {', '.join(near)}?"
    )


def _refuse(path: str, modules: dict[str, nn.Module]) -> None:
    parts, module = path.split("."), modules[path]
    if "experts" in parts or type(module).__name__.endswith("Experts"):
        raise UnsupportedModel(f"MoE experts carry no adapters here, got {path}: exclude it")
    if hasattr(module, "base_layer"):
        raise UnsupportedModel(
            f"{path} already carries PEFT layers: unload them (PeftModel.unload) before attach"
        )
    weight = getattr(module, "weight", None)
    parallel = hasattr(weight, "device_mesh") and not _sharded(path, weight, modules)
    if parallel or getattr(module, "_hf_tp_plan", None):
        raise UnsupportedModel(
            f"tensor-parallel linears carry no adapters here, got {path}: load without a tp_plan"
        )


def _sharded(path: str, weight: Any, modules: dict[str, nn.Module]) -> bool:
    """Return whether a weight is split by FSDP2 alone, which gathers it before its forward."""
    fsdp = sys.modules.get("torch.distributed.fsdp")
    parts = path.split(".")
    around = (modules[".".join(parts[:n])] for n in range(len(parts) + 1))
    return (
        fsdp is not None
        and weight.device_mesh.ndim == 1
        and any(isinstance(module, fsdp.FSDPModule) for module in around)
    )


def _features(module: nn.Module) -> tuple[int, int] | None:
    if is_conv1d(module):
        return int(module.nx), int(module.nf)  # pyright: ignore
    size = getattr(module, "in_features", None), getattr(module, "out_features", None)
    if isinstance(size[0], int) and isinstance(size[1], int):
        return size[0], size[1]
    return None


def _linears_below(path: str, modules: dict[str, nn.Module]) -> str:
    below = (p for p, m in modules.items() if p.startswith(f"{path}.") and _features(m))
    return next(below, "none: it has none")


def _template(path: str) -> Template:
    parts = path.split(".")
    index = next((i for i, part in enumerate(parts) if part.isdigit()), None)
    return tuple(parts if index is None or len(parts) == 1 else parts[:index] + parts[index + 1 :])


def compute_dtype(model: nn.Module, sites: dict[str, list[Site]]) -> torch.dtype:
    """Return the dtype of activations at the sites: the weights', or the model's if quantised."""
    weight = getattr(next(iter(sites.values()))[0].module, "weight", None)
    usual = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
    if isinstance(weight, torch.Tensor) and weight.dtype in usual:
        return weight.dtype
    return next((p.dtype for p in model.parameters() if p.dtype in usual), torch.float32)
