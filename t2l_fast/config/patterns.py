"""PEFT's rules for module paths: which modules a config names, and which pattern is theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import regex

from t2l_fast.errors import ConfigError

_SECONDS = 1.0
"""Time that a stranger's pattern may take on one path."""


def matches(path: str, target_modules: Sequence[str] | str) -> bool:
    """Return whether PEFT's rule picks `path`: a suffix of whole names, or a regex.

    Raises:
        ConfigError: the regular expression is invalid, or takes longer than a second.
    """
    if isinstance(target_modules, str):
        return _match(target_modules, path)
    return any(path == name or path.endswith(f".{name}") for name in target_modules)


def pattern_for(path: str, patterns: Iterable[str]) -> str | None:
    """Return the first key of `rank_pattern` or `alpha_pattern` that is a suffix regex of `path`.

    Raises:
        ConfigError: as for `matches`.
    """
    return next((key for key in patterns if _match(rf"(?:.*\.)?(?:{key})", path)), None)


def translated(
    targets: Sequence[str] | str,
    exclude: Sequence[str] | str | None,
    layers: Sequence[int] | int | None,
    layers_pattern: Sequence[str] | str | None,
) -> tuple[str, ...] | str | None:
    """Return targets that pick what all four fields of PEFT pick together.

    Args:
        targets: `target_modules`.
        exclude: `exclude_modules`.
        layers: `layers_to_transform`; PEFT reads it for lists of targets alone.
        layers_pattern: names of the layer lists; none = any.

    Returns:
        The targets themselves where nothing narrows them, else a regular expression for the whole
        path; None for "all-linear", which no expression narrows.
    """
    narrowed = bool(exclude) or (layers is not None and layers != [])
    if not narrowed:
        return targets if isinstance(targets, str) else tuple(targets)
    if targets == "all-linear":
        return None
    expression = targets if isinstance(targets, str) else _suffixes(targets)
    if not isinstance(targets, str) and layers is not None and layers != []:
        whole = "|".join(map(re.escape, targets))
        numbers = [layers] if isinstance(layers, int) else layers
        index = "|".join(str(n) for n in numbers)
        expression = rf"(?:{whole})|{_layers(index, layers_pattern)}(?:.*\.)(?:{whole})"
    if exclude:
        excluded = exclude if isinstance(exclude, str) else _suffixes(exclude)
        expression = rf"(?!(?:{excluded})\Z)(?:{expression})"
    return expression


def _suffixes(names: Sequence[str]) -> str:
    return rf"(?:.*\.)?(?:{'|'.join(map(re.escape, names))})"


def _layers(index: str, layers_pattern: Sequence[str] | str | None) -> str:
    """Return a lookahead: the first numbered part of the path is one of `index`."""
    if not layers_pattern:  # PEFT wants two names before the number
        return rf"(?=[^.]*\.[^.]*\.(?:(?!\d+\.)[^.]*\.)*(?:{index})\.)"
    names = [layers_pattern] if isinstance(layers_pattern, str) else layers_pattern
    either = "|".join(names)
    return rf"(?=(?:(?!(?:{either})\.\d+\.)[^.]*\.)*(?:{either})\.(?:{index})\.)"


def _match(pattern: str, path: str) -> bool:
    try:
        return regex.fullmatch(pattern, path, timeout=_SECONDS) is not None
    except regex.error as error:
        raise ConfigError(
            f"a pattern for module paths must be a regular expression, got one that is not: {error}"
        ) from None
    except TimeoutError:
        raise ConfigError(
            f"a pattern for module paths must match within {_SECONDS:g} s, got one that takes "
            "longer: write it without nested repetitions"
        ) from None
