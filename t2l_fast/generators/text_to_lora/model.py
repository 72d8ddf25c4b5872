"""TextToLora: a task's text in, LoRA weights for every layer and module out, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Bases, LoraBatch, LoraSlab, LoraWeights
from t2l_fast.encoders import TextEncoder
from t2l_fast.errors import ArgumentError, CheckpointError
from t2l_fast.generators.base import Statistics
from t2l_fast.generators.parts import files
from t2l_fast.generators.parts.heads import Z_SCORE_EPSILON
from t2l_fast.generators.parts.text_generator import TextGenerator
from t2l_fast.generators.parts.trunk import name_of
from t2l_fast.generators.text_to_lora import sakana
from t2l_fast.generators.text_to_lora.config import T2LConfig
from t2l_fast.generators.text_to_lora.network import T2LNetwork
from t2l_fast.generators.text_to_lora.offsets import offset_init


class TextToLora(T2LNetwork, TextGenerator):
    """The hypernetwork of Text-to-LoRA (Charakorn et al., ICML 2025), architectures L, M and S.

    Args:
        config: its shape.
        encoder: embeds conditions; None = what `config.encoder` names, loaded at first use.
    """

    kind: ClassVar[str] = "text_to_lora"  # pyright: ignore
    config_class = T2LConfig
    config: T2LConfig  # pyright: ignore
    defers: ClassVar[bool] = True

    def __init__(self, config: T2LConfig, *, encoder: TextEncoder | None = None) -> None:
        super().__init__(config)
        self._encoder = encoder

    @torch.no_grad()
    def generate_into(  # pyright: ignore
        self, codes: Tensor, slab: LoraSlab, slots: Tensor
    ) -> None:
        """Write adapters where the model reads them: two head calls per module, no intermediate.

        A slab on another device than this generator gets copies instead. Heads run in the dtype of
        their weights (`generator.heads.to(torch.bfloat16)` for tensor cores), the trunk in its own;
        rows are cast to the slab's.

        Args:
            codes: `[N, d_e]`.
            slots: `[N]` integers, all different; −1 skips.

        Raises:
            AdapterMismatch: the slab lacks a module, or is narrower than the rank.
        """
        slab.check_fits(self.config.lora.rank, self.config.module_shapes, slots, len(codes))
        own = self.anchor.device
        if any(slab.lora_a[m].device != own for m in self.config.module_shapes):
            return super().generate_into(codes, slab, slots)
        with self.inference():
            latents = self.latents(codes)
        for m, own in zip(self.config.module_shapes, latents, strict=True):
            call_a, call_b = self.calls(m, own)
            call_a.into(slots, slab.lora_a[m])
            call_b.into(slots, slab.lora_b[m])
        slab.mark(self.config.lora, self.config.module_shapes, slots)

    @property
    def _shares_bases(self) -> bool:
        return self.config.rank_by_rank and not self.config.z_scores

    @torch.no_grad()
    def bases(self) -> Bases | None:
        """Return the rows that all adapters share where heads emit one rank row at a time (S).

        None for other architectures, and for z-scores, which are undone element by element.

        None also for z-scores, which are undone element by element.
        """
        if not self._shares_bases:
            return None
        none = self.anchor.new_empty(0)
        calls = {m: self.calls(m, none.expand(2, 0)) for m in self.config.module_shapes}
        a, b = ({m: pair[part].basis() for m, pair in calls.items()} for part in (0, 1))
        return Bases(a, b, self.fingerprint)

    @torch.no_grad()
    def cores(self, codes: Tensor) -> LoraBatch:
        """Compute adapters of `[N, d_e]` codes as cores over `bases()`, by the trunk alone.

        Raises:
            ArgumentError: codes of another shape, or heads that share no bases.
        """
        if not self._shares_bases:
            raise ArgumentError(
                f'cores need arch="S" without z-scores, got {self.config.arch!r}: use generate'
            )
        with self.inference():
            latents = self.latents(codes)
        calls = {
            m: self.calls(m, own) for m, own in zip(self.config.module_shapes, latents, strict=True)
        }
        a, b = ({m: pair[part].cores() for m, pair in calls.items()} for part in (0, 1))
        return LoraBatch(self.config.lora, a, b)

    def head_linears(self) -> Mapping[str, nn.Linear]:
        """Return the heads of generators of texts whose heads have a bias."""
        if self.config.task_names or not self.config.head_bias:
            return {}
        return dict(self.heads.items())  # pyright: ignore

    def head_inputs(self, latents: Tensor) -> Mapping[str, Tensor]:
        """Split `latents` by module: what each module's head reads.

        Returns:
            module → `[layers, N, h]` for L, `[2, layers, N, h]` for M (A, then B), and
            `[2, layers, N, rank, h]` for S.
        """
        return dict(zip(self.heads, latents, strict=True))

    def start_at_adapter(self, adapter: LoraWeights) -> None:
        """Set the heads so that every code yields this adapter at first."""
        offset_init(self, adapter)

    def head_targets(self, adapters: LoraBatch) -> Mapping[str, Tensor] | None:
        """Return A and B side by side, without offsets, for L; None for M and S."""
        if self.config.arch != "L" or self.config.rank_rows:
            return None
        targets = {}
        for m in self.config.module_shapes:
            rows = [adapters.lora_a[m], adapters.lora_b[m]]
            if self.config.offset != "none":
                offsets = self.AB_offset.of(m)
                rows = [t - offset[:, None] for t, offset in zip(rows, offsets, strict=True)]
            targets[name_of(m)] = torch.cat([t.flatten(2) for t in rows], -1).flatten(0, 1)
        return targets

    @property
    def predicts_z_scores(self) -> bool:
        """Whether the heads predict z-scores of weights instead of weights."""
        return self.config.z_scores

    @torch.no_grad()
    def start_reconstruction(self, statistics: Statistics, scale: float) -> None:
        """Reset heads to torch's own start, as published, and take the statistics of z-scores.

        Args:
            statistics: key → (mean, deviation) of A and of B; read for z-scores alone.
            scale: what A and B are learned times, each; offsets are multiplied by it.
        """
        for head in self.heads.values():
            head.reset_parameters()  # pyright: ignore
        if self.config.offset != "none":
            for m in self.config.module_shapes:
                for rows in self.AB_offset.of(m):
                    rows.mul_(scale)
        for m, (a, b) in statistics.items() if self.config.z_scores else ():
            for part, rows in enumerate((self.mean_recon_target, self.std_recon_target)):
                for held, new in zip(rows.of(m), (a[part], b[part]), strict=True):
                    held.copy_(new)

    def recon_predictions(self, latents: Tensor) -> LoraBatch:
        """Compute what reconstruction compares with targets: z-scores, or adapters."""
        return self.z_scores(latents) if self.config.z_scores else self.adapters(latents)

    def recon_targets(self, library: LoraBatch, statistics: Statistics) -> LoraBatch:
        """Return the adapters of a library, or their z-scores (T2L's released code)."""
        if not self.config.z_scores:
            return library
        parts: list[dict[str, Tensor]] = []
        for part, tensors in enumerate((library.lora_a, library.lora_b)):
            scores = {}
            for m, stacked in tensors.items():
                mean, deviation = (t.to(stacked) for t in statistics[m][part])
                scores[m] = (stacked - mean[:, None]) / (deviation[:, None] + Z_SCORE_EPSILON)
            parts.append(scores)
        return LoraBatch(library.config, parts[0], parts[1])

    def unscaled_state(self, scale: float) -> dict[str, Tensor]:
        """Return a copy of the state in which heads and offsets are divided by `scale`."""
        scaled = ("heads.", "AB_offset.")
        state = self.state_dict()
        return {name: t / scale if name.startswith(scaled) else t for name, t in state.items()}

    @classmethod
    def training_options(cls, folder: Path) -> dict[str, Any]:
        """Return the scale that Sakana's checkpoints were trained with."""
        return {"scaling": "train"} if sakana.is_sakana(folder) else {}

    @classmethod
    def from_pretrained(  # pyright: ignore
        cls,
        name: str | Path,
        *,
        encoder: TextEncoder | None = None,
        scaling: sakana.Scaling | None = None,
        module_order: Sequence[str] | None = None,
    ) -> TextToLora:
        """Load a generator, in eval mode and fp32; the base model is not needed.

        Args:
            name: "smollm2" (the bundled checkpoint), a folder, or a name on the Hugging Face hub,
                with a folder below it where there is one. Sakana AI's checkpoints load too
                (`args.yaml`, `adapter_config.json`, `hypermod.pt`; tensors alone are unpickled).
            encoder: instead of the one that the checkpoint names.
            scaling: of adapters from Sakana's checkpoints, also where they are exported.
                "published-eval" is α/r, with which the published numbers were measured; the
                default. "train" is α/√r.
            module_order: of Sakana's checkpoints, where `adapter_config.json` has another than the
                training process had.

        Raises:
            CheckpointError: there is no such checkpoint, it is damaged or incomplete, or the last
                two are given for a checkpoint that holds both.
        """
        folder = files.find(name)
        if sakana.is_sakana(folder):
            policy = scaling or "published-eval"
            config, state = sakana.load(folder, scaling=policy, module_order=module_order)
            return cls._of_state(config, state, str(name), encoder=encoder)
        if scaling is not None or module_order is not None:
            raise CheckpointError(
                f"scaling and module_order are for Sakana's checkpoints, got {name}, whose "
                "config holds both: leave them out"
            )
        return super().from_pretrained(name, encoder=encoder)
