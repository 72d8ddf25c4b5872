"""What a step runs: the frozen base, the generator, rows and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from t2l_fast.errors import ArgumentError
from t2l_fast.generators import DEFAULT_KIND, GeneratorConfig, registration

FIRST = ("q_proj", "k_proj", "v_proj")
"""What reads a layer's input, which has no gradient in layer 0."""


@dataclass(frozen=True)
class Base:
    """A frozen decoder of Llama's shape, in 16 bits."""

    layers: int
    hidden: int
    inner: int
    heads: int
    groups: int
    head_size: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> Base:
        """Return the sizes of a transformers config."""
        heads = config.num_attention_heads
        return cls(
            config.num_hidden_layers,
            config.hidden_size,
            config.intermediate_size,
            heads,
            config.num_key_value_heads,
            getattr(config, "head_dim", None) or config.hidden_size // heads,
            config.vocab_size,
        )

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Key → (in, out), of one layer."""
        d, wide, narrow = self.hidden, self.heads * self.head_size, self.groups * self.head_size
        sizes = {"q_proj": (d, wide), "k_proj": (d, narrow), "v_proj": (d, narrow)}
        sizes |= {"o_proj": (wide, d), "gate_proj": (d, self.inner), "up_proj": (d, self.inner)}
        return sizes | {"down_proj": (self.inner, d)}


@dataclass(frozen=True)
class Step:
    """What one step runs.

    Args:
        generator: config of a generator whose kind gives a formula for its cost.
        lengths: tokens of each row.
        labels: of all rows.
        tasks: adapters.

    Raises:
        ArgumentError: an adapter's module is not the base's, or none reads a layer's own input,
            where backward would end elsewhere than counted.
    """

    base: Base
    generator: GeneratorConfig
    lengths: tuple[int, ...]
    labels: int
    tasks: int

    def __post_init__(self) -> None:
        sites = self.generator.module_shapes
        fits = all(self.base.linears.get(m) == shape for m, shape in sites.items())
        if not fits or not sites.keys() & set(FIRST):
            raise ArgumentError(
                f"modules must be among {self.base.linears}, one of {FIRST} included, got "
                f"{dict(sites)}"
            )

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return sum(self.lengths)


MISTRAL = Base(32, 4096, 14336, 32, 8, 128, 32_000)


def published(tokens: int, labels: int) -> Step:
    """Return the Mistral-7B run's step: 8 tasks of one row each, q and v, rank 8.

    L with m 128 and h 512.

    Args:
        tokens: of a row.
        labels: of them.
    """
    generator = registration(DEFAULT_KIND).config.published()
    return Step(MISTRAL, generator, (tokens,) * 8, 8 * labels, 8)
