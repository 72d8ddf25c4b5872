"""TextToLora: a task's text in, LoRA weights for every layer and module out, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from t2l_fast.adapters.cores import Bases
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.slab import LoraSlab
from t2l_fast.adapters.weights import LoraBatch
from t2l_fast.encoders import EncoderAdapter, OneHotEncoder, TextEncoder, load_encoder, scaled
from t2l_fast.errors import ArgumentError, CheckpointError, ConfigError
from t2l_fast.generators import checkpoint, sakana
from t2l_fast.generators.config import T2LConfig
from t2l_fast.generators.fingerprint import Fingerprint
from t2l_fast.generators.network import T2LNetwork


class TextToLora(T2LNetwork, AdapterGenerator):
    """The hypernetwork of Text-to-LoRA (Charakorn et al., ICML 2025), architectures L, M and S.

    Args:
        config: its shape.
        encoder: embeds conditions; None = what `config.encoder` names, loaded at first use.
    """

    kind = "text_to_lora"

    def __init__(self, config: T2LConfig, *, encoder: TextEncoder | None = None) -> None:
        super().__init__(config)
        self._encoder = encoder
        self._encoder_adapter: EncoderAdapter | None = None
        self._fingerprint = Fingerprint()

    @property
    def code_shape(self) -> tuple[int, ...]:
        return (self.config.task_embedding_size,)

    @property
    def encoder(self) -> TextEncoder:
        """What embeds conditions.

        Raises:
            ConfigError: the config names no encoder.
            EncoderError: it is unknown or not installed.
        """
        if self._encoder is None:
            if self.config.encoder is None:
                raise ConfigError(
                    "encoding conditions needs an encoder, got config.encoder=None: pass "
                    "TextToLora(config, encoder=…) or codes"
                )
            one_hot = self.config.encoder == "one_hot"
            self._encoder = (
                OneHotEncoder(self.config.task_names)
                if one_hot
                else load_encoder(self.config.encoder, adapter=self._encoder_adapter)
            )
        return self._encoder

    @property
    def encoder_adapter(self) -> EncoderAdapter | None:
        """The LoRA that its encoder was fitted with (`t2l train encoder`), if it was.

        It is the one that `config.encoder` names, whatever encoder was passed besides.
        """
        digest = checkpoint.digest_of(self.config)
        held = (self._encoder_adapter, getattr(self._encoder, "adapter", None))
        return next((a for a in held if isinstance(a, EncoderAdapter) and a.digest == digest), None)

    def use_encoder(self, encoder: TextEncoder) -> None:
        """From now on embed by an encoder that equals its own, such as a cache in front of it."""
        self._encoder = encoder

    def name_encoder(self) -> None:
        """Have the config name the encoder as it is now, after it was trained."""
        self.config = replace(self.config, encoder=self.encoder.name)

    def encode(self, conditions: Sequence[str]) -> Tensor:
        """Task embeddings `[N, d_e]`, fp32, of N descriptions (of N task names with one-hot).

        Raises:
            EncoderError: a description is empty or longer than the encoder takes.
        """
        return self.codes_of(self.encoder.encode(conditions))

    def codes_of(self, embeddings: Tensor) -> Tensor:
        """What the generator reads for embeddings `[N, d_e]`: these, or standardised ones."""
        if not self.config.standardise_codes or not len(embeddings):
            return embeddings
        mean, deviation = (t.to(embeddings) for t in (self.code_mean, self.code_std))
        return scaled((embeddings - mean) / deviation)

    @torch.no_grad()
    def standardise(self, conditions: Sequence[str]) -> None:
        """Take mean and deviation of codes from these descriptions, before training.

        Raises:
            ConfigError: the config does not ask for it.
            EncoderError: a description can't be embedded.
        """
        if not self.config.standardise_codes:
            raise ConfigError("standardise needs config.standardise_codes=True, got False")
        deviation, mean = torch.std_mean(self.encoder.encode(conditions), dim=0)
        self.code_mean.copy_(mean)
        self.code_std.copy_(deviation.clamp(min=1e-6))

    @torch.no_grad()
    def generate_into(self, codes: Tensor, slab: LoraSlab, slots: Tensor) -> None:
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
        with self._eval():
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
        """Heads that make one rank row at a time (S), whose rows all adapters share; else None.

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
        """Adapters of `[N, d_e]` codes as cores over `bases()`: the trunk alone, no head.

        Raises:
            ArgumentError: codes of another shape, or heads that share no bases.
        """
        if not self._shares_bases:
            raise ArgumentError(
                f'cores need arch="S" without z-scores, got {self.config.arch!r}: use generate'
            )
        with self._eval():
            latents = self.latents(codes)
        calls = {
            m: self.calls(m, own) for m, own in zip(self.config.module_shapes, latents, strict=True)
        }
        a, b = ({m: pair[part].cores() for m, pair in calls.items()} for part in (0, 1))
        return LoraBatch(self.config.lora, a, b)

    @torch.no_grad()
    def generate(
        self, conditions: Sequence[str] | None = None, *, codes: Tensor | None = None
    ) -> LoraBatch:
        """Adapters of conditions or of codes, for inference: no graph, no dropout.

        Raises:
            ArgumentError: not exactly one of the two, or a wrong shape.
            EncoderError: a condition can't be embedded.
        """
        if (conditions is None) == (codes is None):
            raise ArgumentError("generate takes either conditions or codes, got both or neither")
        if isinstance(conditions, str):
            raise ArgumentError("conditions must be a list of descriptions, got a single str")
        if codes is None:
            codes = self.encode(conditions or ())
        with self._eval():
            return self(codes)

    @property
    def fingerprint(self) -> str:
        """Hash of config and weights; equal only if the adapters are."""
        return self._fingerprint.of(self.kind, self.config, self)

    def save_pretrained(self, folder: str | Path, *, dtype: torch.dtype | None = None) -> None:
        """Write `config.json` and `model.safetensors`; all files appear whole or not at all.

        The adapter of a fitted encoder lies beside them (`encoder_adapter_model.safetensors`).

        Args:
            dtype: of the stored weights; None = as they are.

        Raises:
            CheckpointError: the config names a fitted encoder, whose adapter is not here.
        """
        state, fitted = self.state_dict(), self.encoder_adapter
        checkpoint.save(self.config, state, Path(folder), dtype, fitted)

    @classmethod
    def from_pretrained(
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
            scaling: of adapters from Sakana's checkpoints, also where they are exported:
                "published-eval" (α/r, what the published numbers were measured with; the default)
                or "train" (α/√r).
            module_order: of Sakana's checkpoints, where `adapter_config.json` has another than the
                training process had.

        Raises:
            CheckpointError: there is no such checkpoint, it is damaged or incomplete, or the last
                two are given for a checkpoint that holds both.
        """
        folder, fitted = checkpoint.find(name), None
        if sakana.is_sakana(folder):
            policy = scaling or "published-eval"
            config, state = sakana.load(folder, scaling=policy, module_order=module_order)
        else:
            if scaling is not None or module_order is not None:
                raise CheckpointError(
                    f"scaling and module_order are for Sakana's checkpoints, got {name}, whose "
                    "config holds both: leave them out"
                )
            config, state = checkpoint.load(folder)
            fitted = checkpoint.encoder_adapter(config, folder)
        with torch.device("meta"):
            model = cls(config, encoder=encoder)
        model._encoder_adapter = fitted
        checkpoint.check_state(model.state_dict(), state, str(name))
        model.load_state_dict(state, assign=True)
        return model.eval()

    @contextmanager
    def _eval(self) -> Iterator[None]:
        """Without dropout and autocast: what a code stands for does not depend on the caller."""
        was_training = self.training
        self.eval()
        try:
            with torch.autocast(self.anchor.device.type, enabled=False):
                yield
        finally:
            self.train(was_training)
