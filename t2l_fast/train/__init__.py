"""Training of generators, and of many adapters at once."""

from t2l_fast.train.adapters.config import MultiLoraConfig
from t2l_fast.train.adapters.job import Job
from t2l_fast.train.adapters.jobs_file import read_jobs
from t2l_fast.train.adapters.record import JobResult
from t2l_fast.train.adapters.trainer import MultiLoraTrainer
from t2l_fast.train.codes.config import FitConfig
from t2l_fast.train.codes.fit import fit_codes
from t2l_fast.train.distributed.fsdp import shard
from t2l_fast.train.distributed.launch import join, stay_alone
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.encoder.adopt import adopt_encoder, check_adoptable
from t2l_fast.train.encoder.config import EncoderConfig
from t2l_fast.train.encoder.trainer import fit_encoder
from t2l_fast.train.oracles.config import OracleConfig
from t2l_fast.train.oracles.library import LoraLibrary, read_library
from t2l_fast.train.oracles.trainer import train_library
from t2l_fast.train.recon.config import ReconConfig
from t2l_fast.train.recon.trainer import ReconTrainer
from t2l_fast.train.run.allocator import keep_freed_memory
from t2l_fast.train.run.tracking import Tracking
from t2l_fast.train.sft.config import SFTConfig, WarmStartConfig
from t2l_fast.train.sft.trainer import SFTTrainer

__all__ = [
    "EncoderConfig",
    "FitConfig",
    "Job",
    "JobResult",
    "LoraLibrary",
    "MultiLoraConfig",
    "MultiLoraTrainer",
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
    "read_jobs",
    "read_library",
    "shard",
    "stay_alone",
    "train_library",
]
