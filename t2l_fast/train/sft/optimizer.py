"""How a run starts, and what its optimiser moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.generators import TextToLora, discriminant_init, trunk_init
from t2l_fast.train.sft.config import SFTConfig
from t2l_fast.train.sft.whiten import WhitenedHeads


class Start:
    """Initialises a generator for end-to-end training and updates it.

    A conditioned start concerns text-conditioned `TextToLora` with head biases alone: the task
    encoder's first layer starts at Fisher's discriminants, the trunk keeps the size of its signals,
    and the heads are optimised on whitened latents. Of these a given start has the last. Heads
    without biases, as those that predict z-scores, are optimised as they are.

    Args:
        encoder: what is trained of the text encoder, by name.
    """

    def __init__(
        self,
        generator: Any,
        config: SFTConfig,
        encoder: Mapping[str, nn.Parameter] | None = None,
    ) -> None:
        self.generator, self.config, self.encoder = generator, config, dict(encoder or {})
        text = isinstance(generator, TextToLora) and not generator.config.task_names
        able = text and generator.config.head_bias
        self.conditioned = able and config.start == "conditioned"
        self.whitens = able and config.start != "plain"
        self.whitened: WhitenedHeads | None = None

    def initialise(self, embeddings: Sequence[Tensor]) -> None:
        """Start the generator; only a conditioned start changes what it computes.

        Args:
            embeddings: of every task's training descriptions, `[D, d_e]` each.
        """
        if self.conditioned:
            self._condition(embeddings)
        if self.whitens:
            first = torch.stack([rows[0] for rows in embeddings])
            self.whitened = WhitenedHeads(self.generator, first)

    def _condition(self, embeddings: Sequence[Tensor]) -> None:
        model = self.generator
        owners = [i for i, rows in enumerate(embeddings) for _ in rows]
        first, *rest = model.task_encoder.mlp
        discriminant_init(first, torch.cat(list(embeddings)), torch.tensor(owners))
        trunk_init(rest)
        for block in (model.mixer, model.mlp1.mlp, model.mlp2.mlp, model.mlp3):
            trunk_init(block)

    def optimizer(self) -> torch.optim.AdamW:
        """AdamW over heads, trunk and encoder, each with its peak learning rate under "peak"."""
        config = self.config
        trunk_peak = config.trunk_learning_rate or config.learning_rate
        named = dict(self.generator.named_parameters())
        has_heads = any(name.startswith("heads.") for name in named)
        trunk = [p for name, p in named.items() if has_heads and not name.startswith("heads.")]
        heads = [p for name, p in named.items() if not has_heads or name.startswith("heads.")]
        if self.whitened is not None:
            heads = list(self.whitened.parameters.values())
        groups = [{"params": heads, "peak": config.learning_rate}]
        if trunk:
            groups.append({"params": trunk, "peak": trunk_peak})
        if self.encoder:
            moved = list(self.encoder.values())
            groups.append({"params": moved, "peak": config.encoder_learning_rate})
        return torch.optim.AdamW(groups, weight_decay=config.weight_decay)

    def state(self) -> dict[str, Tensor]:
        """All tensors that a checkpoint holds, by name; live, not copies."""
        made: dict[str, Tensor] = dict(self.generator.named_parameters())
        made |= dict(self.generator.named_buffers())
        made |= {f"encoder.{name}": p for name, p in self.encoder.items()}
        if self.whitened is not None:
            made |= {f"whitened.{name}": p for name, p in self.whitened.parameters.items()}
            made |= {f"basis.{name}": t for name, t in self.whitened.basis.items()}
        return made

    def update(self, optimizer: torch.optim.Optimizer) -> Tensor:
        """One optimiser step from the generator's gradients; returns their norm before clipping."""
        if self.whitened is not None:
            self.whitened.pull_gradients()
        moved = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(moved, self.config.clip_norm)
        optimizer.step()
        if self.whitened is not None:
            self.whitened.push_values()
        optimizer.zero_grad()
        self.generator.zero_grad()
        return norm
