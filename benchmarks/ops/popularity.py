"""Tokens per adapter: the popularity patterns of the multi-LoRA literature (Punica, 2310.18547)."""

import math

POPULARITY = ("distinct", "uniform", "zipf", "identical", "skewed")


def lengths(kind: str, tokens: int) -> list[int]:
    """Return tokens per adapter, largest first, `tokens` in all.

    Args:
        kind: "distinct" one token each; "uniform" ⌈√tokens⌉ adapters of (nearly) equal size. "zipf"
            sizes falling by 1.5; "identical" one adapter. "skewed" half for one, one token each for
            the rest.

    Raises:
        ValueError: no such kind.
    """
    if kind == "distinct":
        return [1] * tokens
    if kind == "identical":
        return [tokens]
    if kind == "skewed":
        return [tokens - tokens // 2] + [1] * (tokens // 2)
    if kind == "uniform":
        groups = math.ceil(math.sqrt(tokens))
        return [tokens // groups + (i < tokens % groups) for i in range(groups)]
    if kind != "zipf":
        raise ValueError(f"popularity must be one of {POPULARITY}, got {kind!r}")
    sizes: list[int] = []
    left = tokens
    while left:
        sizes.append(max(1, math.ceil(left / 3)))
        left -= sizes[-1]
    return sizes
