"""Digests of tensors, by which processes and runs tell whether they have the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor


def content_digest(tensors: Iterable[Tensor], prefix: bytes = b"") -> str:
    """Return the SHA-256 of tensors' bytes, in this order, as 64 hexadecimal digits.

    Args:
        prefix: comes before them.
    """
    digest = hashlib.sha256(prefix)
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(plain.numpy().data)
    return digest.hexdigest()
