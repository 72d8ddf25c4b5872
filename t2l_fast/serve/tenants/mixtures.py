"""Mixtures as a request's `model` names them: `poet:0.7+lawyer:0.3`."""

from __future__ import annotations

import re
from collections.abc import Callable

from t2l_fast.adapters import AdapterId
from t2l_fast.adapters.bank.mixture import AdapterKey, key_of
from t2l_fast.errors import ArgumentError, UnknownAdapter

LONGEST = 4096
"""Characters of a mixture."""
MOST = 32
"""Adapters of a mixture."""
_NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf|infinity|nan)"
_WEIGHT = re.compile(rf":({_NUMBER})(?=\+|\Z)", re.ASCII | re.IGNORECASE)


class UnknownComponent(UnknownAdapter):
    """A mixture names an adapter that its tenant doesn't have; the message tells no more."""


def parsed(text: str, find: Callable[[str], AdapterId | None]) -> AdapterKey | None:
    """Return the mixture that a text names, None where it names none.

    It does where a number follows a colon, at the text's end or before a plus. It also does where
    it begins with a registered name and a colon or plus. Names may hold colons and pluses: the
    longest registered one is taken.

    Args:
        text: what is no registered name itself.
        find: returns the id of a registered name, None for others.

    Raises:
        ArgumentError: something other than `name:weight` between pluses, a name twice, a weight
            that is zero or not finite, more than `MOST` adapters or `LONGEST` characters.
        UnknownComponent: a name is not registered.
    """
    head = re.split("[:+]", text[: LONGEST + 1], maxsplit=1)[0]
    begun = head != text and find(head) is not None
    if len(text) > LONGEST:
        if begun:
            raise ArgumentError(
                f"model may have up to {LONGEST} characters, got {len(text)}: mix fewer adapters"
            )
        return None
    weights = [(m.start(), m.end(), float(m[1])) for m in _WEIGHT.finditer(text)]
    if not begun and not weights:
        return None
    named: dict[str, float] = {}
    ids: dict[AdapterId, float] = {}
    begin = 0
    while begin <= len(text):
        ends = [w for w in weights if w[0] > begin]
        registered = [w for w in ends if find(text[begin : w[0]]) is not None]
        if not registered:
            raise _unknown(text[begin:], text[begin : ends[0][0]] if ends else None, find)
        colon, end, weight = registered[-1]
        name = text[begin:colon]
        adapter = find(name)
        assert adapter is not None
        if adapter in ids:
            raise ArgumentError(
                f"model must name each adapter of a mixture once, got {name!r} again: add up its "
                "weights"
            )
        if len(ids) == MOST:
            raise ArgumentError(f"model may mix up to {MOST} adapters, got more: mix fewer")
        named[name] = ids[adapter] = weight
        begin = end + 1
    try:
        key_of(named)  # its words are to hold the tenant's own names
    except ArgumentError as error:
        raise ArgumentError(f"model names a mixture that can't be run: {error}") from None
    return key_of(ids)


def _unknown(
    rest: str, name: str | None, find: Callable[[str], AdapterId | None]
) -> ArgumentError | UnknownComponent:
    """Return what is wrong at `rest`, where `name` is what stands before the next weight."""
    head = re.split("[:+]", rest, maxsplit=1)[0]
    if name is None or (head != name and find(head) is not None):
        return ArgumentError(
            "model must be a registered name, or name:weight parts joined by '+' as in "
            f"poet:0.7+lawyer:0.3, got {rest.partition('+')[0]!r} for a part: give each adapter a "
            "weight"
        )
    return UnknownComponent(
        f"a mixture's adapters must be registered, got {name!r}: list what is by GET /v1/models"
    )
