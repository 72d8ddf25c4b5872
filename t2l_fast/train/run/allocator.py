"""Memory that a step frees stays with the process, for the next step."""

from __future__ import annotations

import ctypes
import os
import sys

# of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_AT_ONCE = 64 << 20


def keep_freed_memory() -> bool:
    """Make glibc return no memory to the kernel until the process ends; elsewhere do nothing.

    By default it unmaps large blocks when they are freed. Every step on a CPU then faults all its
    activations in anew, page by page: half of a step's time (docs/guides/train.md). This
    concerns the whole process, so a program calls it, not a library: `t2l train` does.

    Returns:
        Whether the process runs on glibc, and took it.
    """
    if sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return False
    options = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: -1, _M_TOP_PAD: _AT_ONCE}
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return all([mallopt(option, value) for option, value in options.items()])
