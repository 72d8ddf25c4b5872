"""Adapters: weights, where they attach, the slots that hold them, and the bank that fills those."""

from t2l_fast.adapters.attach import Adapters, attach
from t2l_fast.adapters.bank import AdapterBank
from t2l_fast.adapters.cores import Bases
from t2l_fast.adapters.deferred import DeferredBatch
from t2l_fast.adapters.generator import AdapterGenerator, CoreGenerator
from t2l_fast.adapters.layer import MultiLoraLinear
from t2l_fast.adapters.lease import Lease
from t2l_fast.adapters.sites import Site, find_sites
from t2l_fast.adapters.slab import LoraSlab
from t2l_fast.adapters.store import AdapterId
from t2l_fast.adapters.weights import LoraBatch, LoraWeights

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
    "MultiLoraLinear",
    "Site",
    "attach",
    "find_sites",
]
