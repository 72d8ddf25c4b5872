"""What each part of a step takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from t2l_fast.train.cost.step import FIRST, Step
from t2l_kernels import Device


@dataclass(frozen=True)
class Part:
    """What one part of a step takes.

    Fields:
        flops: of matmuls.
        bytes: read and written.
        wide: fp32 matmuls, without tensor cores.
    """

    name: str
    flops: int
    bytes: int
    wide: bool = False

    def seconds(self, gpu: Device, share: float, bandwidth_share: float) -> tuple[float, float]:
        """Return the seconds by FLOPs alone, and by bytes alone."""
        peak = gpu.fp32_flops_per_second if self.wide else gpu.flops_per_second
        memory = gpu.bytes_per_second * bandwidth_share
        return self.flops / (peak * share), self.bytes / memory


def parts(step: Step) -> list[Part]:
    """List all of a step, in the order of its first use."""
    return [
        *_generator(step),
        *_linears(step),
        _attention(step),
        _elementwise(step),
        _output_head(step),
        _lora(step),
        _adamw(step),
    ]


def _linears(step: Step) -> Iterator[Part]:
    """Frozen: backward makes gradients of inputs alone, and none of the embeddings."""
    base, tokens = step.base, step.tokens
    macs = tokens * sum(a * b for a, b in base.linears.values())
    unneeded = tokens * sum(a * b for m, (a, b) in base.linears.items() if m in FIRST)
    weights = 2 * sum(a * b for a, b in base.linears.values())
    rows = 2 * tokens * sum(a + b for a, b in base.linears.values())
    yield Part("base, forward", 2 * base.layers * macs, base.layers * (weights + rows))
    backward = 2 * (base.layers * macs - unneeded)
    yield Part("base, backward to activations", backward, base.layers * (weights + rows))


def _attention(step: Step) -> Part:
    """Two matmuls forward, four backward, over whole squares: half would do for a causal mask."""
    base = step.base
    square = sum(n * n for n in step.lengths) * base.heads * base.head_size
    row = 2 * step.tokens * 2 * (base.heads + base.groups) * base.head_size
    return Part("attention", base.layers * 12 * square, base.layers * 3 * row)


def _elementwise(step: Step) -> Part:
    """transformers' eager kernels; backward counted as twice the forward.

    Bytes a number, forward: a norm has 36 (to fp32, square, mean, scale, back, weight). A residual
    sum has 6, SiLU and product 10, rotary 20 (two products, rotation, sum).
    """
    base = step.base
    norms, sums = 2 * 36 * base.hidden, 2 * 6 * base.hidden
    gate, rotary = 10 * base.inner, 20 * (base.heads + base.groups) * base.head_size
    total = 3 * base.layers * step.tokens * (norms + sums + gate + rotary)
    return Part("norms, residuals, SiLU, rotary", 0, total)


def _output_head(step: Step) -> Part:
    """At labels alone; 40 bytes a logit: 16-bit, fp32, log-softmax, smoothing, and back."""
    base = step.base
    weights, logits = base.vocabulary * base.hidden, step.labels * base.vocabulary
    return Part("output head and loss", 4 * logits * base.hidden, 2 * 2 * weights + 40 * logits)


def _lora(step: Step) -> Part:
    """Shrink and expand, and gradients of A, B, s, and of inputs that have one; A and B in fp32."""
    generator, tokens = step.generator, step.tokens
    rank, layers = generator.lora.rank, step.base.layers
    both = sum(a + b for a, b in generator.module_shapes.values())
    unneeded = sum(a for m, (a, _) in generator.module_shapes.items() if m in FIRST)
    macs = tokens * rank * (3 * layers * both - unneeded)
    adapters = 4 * step.tasks * rank * both * layers
    # inputs and sums that are read and written; twice as much backward
    rows = 2 * tokens * layers * sum(a + 2 * b for a, b in generator.module_shapes.values())
    return Part("LoRA", 2 * macs, 3 * adapters + 3 * rows)


def _generator(step: Step) -> Iterator[Part]:
    """fp32; codes need no gradient. A and B are written, kept and read, and their gradients too."""
    cost = step.generator.cost(step.tasks)
    weights, numbers = 4 * cost.parameters, 4 * cost.numbers
    # GEMMs that share weights among few rows: read, and gradients written
    yield Part("generator, forward", cost.forward_flops, weights + numbers, wide=True)
    yield Part("generator, backward", cost.backward_flops, 2 * weights + 3 * numbers, wide=True)


def _adamw(step: Step) -> Part:
    """fp32: clipping reads gradients twice and writes them; then weight, gradient and two moments
    are read, weight and moments written.
    """
    return Part("AdamW", 0, (3 * 4 + 4 * 4 + 3 * 4) * step.generator.cost(step.tasks).parameters)


def copies(step: Step) -> tuple[int, int]:
    """Return what the released trainer adds by copying A and B for every token, in fp32.

    Returns:
        Bytes held from forward to backward; and moved at least: each copy is written and read, its
        16-bit gradient too.
    """
    both = sum(a + b for a, b in step.generator.module_shapes.values())
    numbers = step.base.layers * step.tokens * step.generator.lora.rank * both
    return 4 * numbers, (2 * 4 + 2 * 2) * numbers
