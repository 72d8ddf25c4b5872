"""t2l_fast: LoRA adapters made from text, a different one for every row of the batch."""

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
