"""Shapes of a route's tables, known before any slot is."""


def block_capacity(num_tokens: int, max_segments: int, block_size: int) -> int:
    """Return the most blocks needed: one per `block_size` tokens and a rest per segment.

    Args:
        num_tokens: T of the route.
        max_segments: bound of its segments.
        block_size: tokens of a block.
    """
    return min(num_tokens, num_tokens // block_size + max_segments)
