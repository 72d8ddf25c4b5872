"""The launch of the head's kernel.

Arguments have the names and shapes of `t2l_kernels.heads.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.arch import DTYPES, arch_of, launch_options
from t2l_kernels._core.checks import check_contiguous, check_dtype
from t2l_kernels.heads.kernel import head_into_slots_kernel
from t2l_kernels.heads.plans import head_plan
from t2l_kernels.heads.torch_impl import Extras


def head_into_slots(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    extras: Extras,
    slots: Tensor,
    out: Tensor,
) -> None:
    """Launch `head_into_slots_kernel` once; nothing waits for the device."""
    check_dtype("latents and weight", latents, *DTYPES, why=" for impl='triton'")
    offset, mean, std = extras
    named = {"out": out, "bias": bias, "offset": offset, "mean": mean, "std": std}
    for name, tensor in named.items():
        if tensor is not None:
            check_contiguous(name, tensor)
    check_contiguous("weight[0]", weight[0])
    latents = latents.contiguous()
    layers, adapters, latent_rows, h = latents.shape
    parts, width, _ = weight.shape
    rows = layers * adapters * (latent_rows if latent_rows > parts else 1)
    if rows == 0 or width == 0:
        return
    arch = arch_of(out.device)
    plan = head_plan(h, latents.dtype, arch, extras=any(e is not None for e in extras))
    grid = (-(-rows // plan.block_m), -(-width // plan.block_n), parts)
    with torch.cuda.device_of(out):
        head_into_slots_kernel[grid](
            latents,
            weight,
            bias,
            offset,
            mean,
            std,
            slots.to(torch.int32),
            out,
            rows,
            adapters,
            out.shape[1],
            width,
            out.shape[2],
            weight.stride(0),
            UPCAST=latents.dtype == torch.bfloat16 and latents.device.type == "cpu",
            **plan.constants(width, h, latent_rows, parts),
            **launch_options(arch),
        )
