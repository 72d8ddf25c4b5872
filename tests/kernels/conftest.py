"""Kernel tests run on a GPU, or in a process of their own under Triton's interpreter."""

import os

import torch

KERNELS_RUN = os.environ.get("TRITON_INTERPRET") == "1" or torch.cuda.is_available()
collect_ignore = [] if KERNELS_RUN else ["triton"]
