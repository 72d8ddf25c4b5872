"""What `t2l_kernel_tools.aot` compiles of the head's kernel."""

from collections.abc import Iterator

import torch

from t2l_kernel_tools.builds.build import Build
from t2l_kernels._core.arch import DTYPES, launch_options
from t2l_kernels.heads.kernel import head_into_slots_kernel
from t2l_kernels.heads.plans import head_plan

_SHAPES = ((4096, 512), (1024, 2048), (2049, 500))
_EXTRAS = ("offset_ptr", "mean_ptr", "std_ptr")


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Yield architectures L (a weight row per rank) and S (one weight), plain and with extras."""
    for dtype in (torch.bfloat16,) if quick else DTYPES:
        for width, h in _SHAPES[: 1 if quick else None]:
            for rank_in_latents in (False,) if quick else (False, True):
                for extras in (False,) if quick else (False, True):
                    yield _build(arch, dtype, width, h, rank_in_latents, extras)


def _build(
    arch: str, dtype: torch.dtype, width: int, h: int, rank_in_latents: bool, extras: bool
) -> Build:
    plan = head_plan(h, dtype, arch, extras=extras)
    tensors = ("latents_ptr", "weight_ptr", "bias_ptr", "out_ptr", *(_EXTRAS if extras else ()))
    constants = plan.constants(width, h, *((8, 1) if rank_in_latents else (1, 8)))
    absent = () if extras else _EXTRAS
    even = width % 16 == 0
    return Build(
        op="head_into_slots",
        plan=f"head {width} h {h} {'S' if rank_in_latents else 'L'}",
        shape=f"d {width} h {h} {'S' if rank_in_latents else 'L'}{' extras' if extras else ''}",
        dtype=dtype,
        arch=arch,
        kernel=head_into_slots_kernel,
        pointers={name: dtype for name in tensors} | {"slots_ptr": torch.int32},
        constants=constants | dict.fromkeys(absent) | {"UPCAST": False} | launch_options(arch),
        divisible=frozenset({"width", "weight_stride"} if even else ()),
    )
