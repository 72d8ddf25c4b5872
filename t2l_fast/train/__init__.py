"""Training of generators."""

from t2l_fast.train.adopt import adopt_encoder, check_adoptable
from t2l_fast.train.allocator import keep_freed_memory
from t2l_fast.train.config import (
    EncoderConfig,
    FitConfig,
    OracleConfig,
    ReconConfig,
    SFTConfig,
    WarmStartConfig,
)
from t2l_fast.train.encoder import fit_encoder
from t2l_fast.train.fitting import fit_codes
from t2l_fast.train.launch import join, stay_alone
from t2l_fast.train.library import LoraLibrary, read_library
from t2l_fast.train.oracles import train_library
from t2l_fast.train.parallel import Processes
from t2l_fast.train.recon import ReconTrainer
from t2l_fast.train.sft import SFTTrainer
from t2l_fast.train.sharded import shard
from t2l_fast.train.tracking import Tracking

__all__ = [
    "EncoderConfig",
    "FitConfig",
    "LoraLibrary",
    "OracleConfig",
    "Processes",
    "ReconConfig",
    "ReconTrainer",
    "SFTConfig",
    "SFTTrainer",
    "Tracking",
    "WarmStartConfig",
    "adopt_encoder",
    "check_adoptable",
    "fit_codes",
    "fit_encoder",
    "join",
    "keep_freed_memory",
    "read_library",
    "shard",
    "stay_alone",
    "train_library",
]
