"""The start of a generator in end-to-end training, and its optimiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from t2l_fast.generators import Generator
from t2l_fast.train.sft.config import SFTConfig
from t2l_fast.train.sft.whiten import WhitenedHeads


class GeneratorOptimizer:
    """Initialise a generator for end-to-end training and update it.

    `config.start` chooses the start. "conditioned" lets the generator initialise itself from the
    training codes (`Generator.initialise`) and whitens the inputs of its heads. "given" does the
    latter only, "plain" neither. Heads that the generator does not list in `head_linears`, such as
    those without biases, are optimised as they are.

    Fields:
        adamw: the optimiser, once `initialise` was called.
        whitened: heads on whitened latents, or None.

    Args:
        encoder: what is trained of the text encoder, by name.
    """

    adamw: torch.optim.AdamW

    def __init__(
        self,
        generator: Generator,
        config: SFTConfig,
        encoder: Mapping[str, nn.Parameter] | None = None,
    ) -> None:
        self.generator, self.config, self.encoder = generator, config, dict(encoder or {})
        self.conditioned = starts_conditioned(generator, config)
        self.whitens = config.start != "plain" and bool(generator.head_linears())
        self.whitened: WhitenedHeads | None = None

    def initialise(self, embeddings: Sequence[Tensor]) -> None:
        """Start the generator; only a conditioned start changes what it computes.

        Args:
            embeddings: of every task's training descriptions, `[D, d_e]` each.
        """
        if self.conditioned:
            owners = [i for i, rows in enumerate(embeddings) for _ in rows]
            codes = torch.cat(list(embeddings))
            self.generator.initialise(codes, torch.tensor(owners), "conditioned")
        if self.whitens:
            first = torch.stack([rows[0] for rows in embeddings])
            self.whitened = WhitenedHeads(self.generator, first)
        self.reset()

    def reset(self) -> None:
        """Make the optimiser anew, over heads, trunk and encoder, each with its peak rate."""
        config = self.config
        trunk_peak = config.trunk_learning_rate or config.learning_rate
        named = dict(self.generator.named_parameters())
        trunk = [p for name, p in named.items() if not self.generator.is_head(name)]
        heads = [p for name, p in named.items() if self.generator.is_head(name)]
        if self.whitened is not None:
            linears = self.generator.head_linears().values()
            replaced = {id(p) for linear in linears for p in linear.parameters()}
            rest = [p for p in heads if id(p) not in replaced]  # such as bases that are trained
            heads = [*self.whitened.parameters.values(), *rest]
        groups = [{"params": heads, "peak": config.learning_rate}]
        if trunk:
            groups.append({"params": trunk, "peak": trunk_peak})
        if self.encoder:
            moved = list(self.encoder.values())
            groups.append({"params": moved, "peak": config.encoder_learning_rate})
        self.adamw = torch.optim.AdamW(groups, weight_decay=config.weight_decay)

    def set_rate(self, factor: float) -> float:
        """Set the learning rates to `factor` times their peaks; return that of the heads."""
        for group in self.adamw.param_groups:
            group["lr"] = group["peak"] * factor
        return self.config.learning_rate * factor

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that a checkpoint holds, by name; live, not copies."""
        tensors: dict[str, Tensor] = dict(self.generator.named_parameters())
        tensors |= dict(self.generator.named_buffers())
        tensors |= {f"encoder.{name}": p for name, p in self.encoder.items()}
        if self.whitened is not None:
            tensors |= {f"whitened.{name}": p for name, p in self.whitened.parameters.items()}
            tensors |= {f"basis.{name}": t for name, t in self.whitened.basis.items()}
        return tensors

    def update(self) -> Tensor:
        """Step from the generator's gradients; return their norm before clipping."""
        if self.whitened is not None:
            self.whitened.pull_gradients()
        moved = [p for group in self.adamw.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(moved, self.config.clip_norm)
        self.adamw.step()
        if self.whitened is not None:
            self.whitened.push_values()
        self.adamw.zero_grad()
        self.generator.zero_grad()
        return norm


def starts_conditioned(generator: Generator, config: SFTConfig) -> bool:
    """Return whether a run initialises its generator from the training codes."""
    return config.start == "conditioned" and generator.can_start("conditioned")
