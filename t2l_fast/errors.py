"""Every error raised on purpose: a `T2LError` that is also the built-in that fits."""

from collections.abc import Iterable

from t2l_kernels import ArgumentError, T2LError, WorkspaceError


def listed(names: Iterable[object]) -> str:
    """Return names as a message shows them: 'a', 'b'."""
    return ", ".join(map(repr, names))


class ConfigError(T2LError, ValueError):
    """A configuration is inconsistent, or asks for something that is not run here."""


class AdapterFormatError(T2LError, ValueError):
    """An adapter folder is damaged, incomplete or of a kind that is not run here."""


class AdapterMismatch(T2LError, ValueError):
    """An adapter does not fit the model's sites, or a code belongs to another generator."""


class SiteNotFound(T2LError, LookupError):
    """A target module is not in the model."""


class UnsupportedModel(T2LError, TypeError):
    """A module or model can't carry adapters."""


class UnknownAdapter(T2LError, LookupError):
    """An adapter id or name is not registered."""


class AdapterInUse(T2LError, RuntimeError):
    """A pinned adapter can't be evicted or forgotten."""


class BankFull(T2LError, RuntimeError):
    """A lease asks for more distinct adapters than there are free slots."""


class UseError(T2LError, RuntimeError):
    """`Adapters.use` was entered, left or fed in a way that would give wrong results."""


class SiteNotReached(UseError):
    """A site's forward never ran inside `use`, so its adapter was not applied."""


class StoreError(T2LError, OSError):
    """The file of a bank's store is damaged, locked, or of another version."""


class TaskError(T2LError, ValueError):
    """A task or a task file is damaged or incomplete."""


class EncoderError(T2LError, ValueError):
    """A text encoder is unknown or damaged, or a text can't be encoded."""


class CheckpointError(T2LError, ValueError):
    """A checkpoint is missing, damaged, or made for something else."""


class CacheError(T2LError, OSError):
    """A cache on disk can't be read or written."""


class ModelNotFound(T2LError, FileNotFoundError):
    """A base model is neither installed nor cached nor reachable."""


class MissingPackage(T2LError, ImportError):
    """What was asked for needs a package that is not installed."""


class EngineError(T2LError, RuntimeError):
    """A serving engine is closed, or failed."""


class QueueFull(EngineError):
    """More requests wait than a serving engine lets."""


class DistributedError(T2LError, RuntimeError):
    """Processes of one run lost each other, or no longer agree."""


class NotAllowed(T2LError, PermissionError):
    """A tenant reached a limit that was set for it."""


__all__ = [
    "AdapterFormatError",
    "AdapterInUse",
    "AdapterMismatch",
    "ArgumentError",
    "BankFull",
    "CacheError",
    "CheckpointError",
    "ConfigError",
    "DistributedError",
    "EncoderError",
    "EngineError",
    "MissingPackage",
    "ModelNotFound",
    "NotAllowed",
    "QueueFull",
    "SiteNotFound",
    "SiteNotReached",
    "StoreError",
    "T2LError",
    "TaskError",
    "UnknownAdapter",
    "UnsupportedModel",
    "UseError",
    "WorkspaceError",
]
