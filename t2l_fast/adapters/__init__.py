"""Adapters: weights, where they attach, the slots that hold them, and the bank that fills those."""

from t2l_fast.adapters.attach import attach
from t2l_fast.adapters.attached import Adapters
from t2l_fast.adapters.bank import AdapterBank, Lease
from t2l_fast.adapters.bases import Bases
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.deferred import DeferredBatch
from t2l_fast.adapters.generator import AdapterGenerator, CoreGenerator
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.kinds.lora import LoraSlab
from t2l_fast.adapters.layer import MultiLoraLinear
from t2l_fast.adapters.mixed import MixedBatch
from t2l_fast.adapters.sites import Site, find_sites
from t2l_fast.adapters.weights import LoraWeights

__all__ = [
    "AdapterBank",
    "AdapterGenerator",
    "AdapterId",
    "Adapters",
    "Bases",
    "CoreGenerator",
    "DeferredBatch",
    "Lease",
    "LoraBatch",
    "LoraSlab",
    "LoraWeights",
    "MixedBatch",
    "MultiLoraLinear",
    "Site",
    "attach",
    "find_sites",
]
