"""Freed memory that stays with the process: no page is faulted in twice."""

import os
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import torch
from t2l_fast.train.run.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
for _ in range(3):
    torch.ones(32 << 20).sum()  # 128 MB
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    torch.ones(32 << 20).sum()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="needs glibc"
)
@pytest.mark.slow
def test_blocks_are_not_faulted_in_again():
    found = {}
    for how in ("plain", "kept"):
        done = subprocess.run(
            [sys.executable, "-c", CODE, how],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        found[how] = int(done.stdout)
    assert found["kept"] < found["plain"] / 2
