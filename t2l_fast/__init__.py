"""t2l_fast: LoRA adapters made from text, a different one for every row of the batch.

Public names are imported when they are first used, so that commands can speak before torch loads.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from t2l_fast import errors, ops
    from t2l_fast.adapters import (
        AdapterBank,
        AdapterGenerator,
        AdapterId,
        Adapters,
        Bases,
        CoreGenerator,
        DeferredBatch,
        Lease,
        LoraBatch,
        LoraSlab,
        LoraWeights,
        MultiLoraLinear,
        Site,
        attach,
        find_sites,
    )
    from t2l_fast.config import LoraConfig
    from t2l_fast.errors import T2LError
    from t2l_fast.generators import AutoGenerator, T2LConfig, TextToLora
    from t2l_fast.models import load_model
    from t2l_fast.version import __version__
    from t2l_kernels import Route

__all__ = [
    "AdapterBank",
    "AdapterGenerator",
    "AdapterId",
    "Adapters",
    "AutoGenerator",
    "Bases",
    "CoreGenerator",
    "DeferredBatch",
    "Lease",
    "LoraBatch",
    "LoraConfig",
    "LoraSlab",
    "LoraWeights",
    "MultiLoraLinear",
    "Route",
    "Site",
    "T2LConfig",
    "T2LError",
    "TextToLora",
    "__version__",
    "attach",
    "errors",
    "find_sites",
    "load_model",
    "ops",
]

_HOMES = {
    "AdapterBank": "t2l_fast.adapters",
    "AdapterGenerator": "t2l_fast.adapters",
    "AdapterId": "t2l_fast.adapters",
    "Adapters": "t2l_fast.adapters",
    "AutoGenerator": "t2l_fast.generators",
    "Bases": "t2l_fast.adapters",
    "CoreGenerator": "t2l_fast.adapters",
    "DeferredBatch": "t2l_fast.adapters",
    "Lease": "t2l_fast.adapters",
    "LoraBatch": "t2l_fast.adapters",
    "LoraConfig": "t2l_fast.config",
    "LoraSlab": "t2l_fast.adapters",
    "LoraWeights": "t2l_fast.adapters",
    "MultiLoraLinear": "t2l_fast.adapters",
    "Route": "t2l_kernels",
    "Site": "t2l_fast.adapters",
    "T2LConfig": "t2l_fast.generators",
    "T2LError": "t2l_fast.errors",
    "TextToLora": "t2l_fast.generators",
    "__version__": "t2l_fast.version",
    "attach": "t2l_fast.adapters",
    "find_sites": "t2l_fast.adapters",
    "load_model": "t2l_fast.models",
}
"""Where each public name lives; "errors" and "ops" are modules of this package."""
_MODULES = {"adapters", "config", "encoders", "errors", "generators", "models", "ops"}
"""What may be read as an attribute without an import of its own."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
