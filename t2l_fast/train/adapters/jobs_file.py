"""read_jobs: jobs from a YAML file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError
from t2l_fast.train.adapters.job import Job
from t2l_fast.train.adapters.sources import FILES

_LORA: dict[str, Any] = {
    "targets": ("q_proj", "v_proj"),
    "rank": 8,
    "alpha": 16.0,
    "use_rslora": False,
    "dropout": 0.0,
}
_WHOLE = ("rank", "max_length", "batch", "epochs", "max_steps", "eval_every", "patience", "seed")
_NUMBERS = ("alpha", "dropout", "learning_rate", "warmup_fraction", "weight_decay", "clip_norm")
_KEYS = (*(name for name in Job.__dataclass_fields__ if name != "lora"), *_LORA)
_ALSO_NONE = ("max_steps", "clip_norm")
_SPOKEN = re.compile(r"\w+")


def read_jobs(path: str | Path) -> list[Job]:
    """Read a YAML mapping with `jobs`, a list of mappings, and perhaps `defaults` for all of them.

    The keys of a job are the fields of `Job`, and instead of `lora` its parts: `targets`, `rank`,
    `alpha`, `use_rslora` and `dropout`. Paths are relative to the file.

    Raises:
        ConfigError: the file can't be read, or a key or value is wrong; the message names the job,
            the key and the remedy.
    """
    path = Path(path)
    content = _content(path)
    defaults = content.get("defaults") or {}
    if not isinstance(defaults, Mapping):
        raise ConfigError(f"{path}: defaults must be a mapping, got {type(defaults).__name__}")
    fixed = [key for key in ("name", "data") if key in defaults]
    if fixed:
        raise ConfigError(f"{path}: defaults can't have {fixed[0]!r}: give it to every job")
    _check_keys(f"{path}: defaults", defaults)
    listed = content.get("jobs")
    if not isinstance(listed, list) or not listed:
        got = "an empty list" if listed == [] else type(listed).__name__
        raise ConfigError(f"{path}: jobs must be a list with at least one job, got {got}")
    jobs: list[Job] = []
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            raise ConfigError(f"{path}: job {number} must be a mapping with a name, a text")
        place = f"{path}: job {entry['name']!r}"
        _check_keys(place, entry)
        if "data" not in entry:
            raise ConfigError(f"{place}: data must name a file, a folder or a data set, got none")
        try:
            jobs.append(_job({**defaults, **entry}, place, path.parent))
        except ConfigError as error:
            text = str(error)
            named = text.startswith((place, f"job {entry['name']!r}"))
            text = text if named else f"job {entry['name']!r}: {text}"
            raise ConfigError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    names = [job.name for job in jobs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path}: jobs must have names that differ, got two of {twice!r}")
    return jobs


def _content(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path} must be YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path} must hold a mapping with jobs, got {type(content).__name__}")
    unknown = [key for key in content if key not in ("jobs", "defaults")]
    if unknown:
        raise ConfigError(f"{path} must have jobs and defaults alone, got {unknown[0]!r}")
    return content


def _check_keys(place: str, entry: Mapping[Any, Any]) -> None:
    for key in entry:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"keys are {', '.join(sorted(_KEYS))}"
            raise ConfigError(f"{place}: unknown key {key!r}: {hint}")


def _job(entry: Mapping[str, Any], place: str, folder: Path) -> Job:
    values = {key: _value(key, value, place) for key, value in entry.items()}
    lora = {key: values.pop(key, usual) for key, usual in _LORA.items()}
    lora["target_modules"] = lora.pop("targets")
    for key in ("data", "held_out"):
        if isinstance(values.get(key), (str, Mapping)):
            values[key] = _source(values[key], folder)
    return Job(lora=LoraConfig(**lora), **values)


def _value(key: str, value: Any, place: str) -> Any:
    if value is None and key in _ALSO_NONE:
        return None
    if key in _WHOLE and (isinstance(value, bool) or not isinstance(value, int)):
        raise ConfigError(f"{place}: {key} must be a whole number, got {value!r}")
    if key in _NUMBERS or (key == "held_out" and isinstance(value, (int, float))):
        return _number(key, value, place)
    if key == "betas":
        if not isinstance(value, list) or len(value) != 2:
            raise ConfigError(f"{place}: betas must be two numbers, got {value!r}")
        return tuple(_number(key, part, place) for part in value)
    if key == "targets":
        names = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ConfigError(f"{place}: targets must be names of modules, got {value!r}")
        # one plain name is a name; what else is one text is "all-linear" or a regular expression
        single = isinstance(value, str) and not _SPOKEN.fullmatch(value)
        return value if single else tuple(names)
    if key == "use_rslora" and not isinstance(value, bool):
        raise ConfigError(f"{place}: use_rslora must be true or false, got {value!r}")
    if key in ("schedule", "learn") and not isinstance(value, str):
        raise ConfigError(f"{place}: {key} must be a text, got {value!r}")
    if key in ("data", "held_out") and not isinstance(value, (str, Mapping, list)):
        raise ConfigError(f"{place}: {key} must name a file, folder or data set, got {value!r}")
    if key == "columns" and not isinstance(value, Mapping):
        raise ConfigError(f"{place}: columns must be a mapping, got {value!r}")
    return value


def _number(key: str, value: Any, place: str) -> float:
    """A number; YAML reads 2e-4 as a text."""
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (ValueError, TypeError):
        raise ConfigError(f"{place}: {key} must be a number, got {value!r}") from None


def _source(source: str | Mapping[str, Any], folder: Path) -> str | Mapping[str, Any]:
    """Data with a local path as seen from the file's folder."""
    if isinstance(source, Mapping):
        path = source.get("path")
        return source if path is None else {**source, "path": _source(str(path), folder)}
    local = folder / source
    return str(local) if local.exists() or Path(source).suffix in FILES else source
