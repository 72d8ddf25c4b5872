"""TextToLora: a task's text in, LoRA weights for every layer and module out, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from t2l_fast.adapters.cores import Bases
from t2l_fast.adapters.deferred import DeferredBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.slab import LoraSlab
from t2l_fast.adapters.weights import LoraBatch
from t2l_fast.encoders import OneHotEncoder, TextEncoder, load_encoder, scaled
from t2l_fast.errors import ArgumentError, CheckpointError, ConfigError
from t2l_fast.generators import checkpoint, sakana
from t2l_fast.generators.config import T2LConfig
from t2l_fast.generators.fingerprint import Fingerprint
from t2l_fast.generators.heads import Extras, HeadCall, head_calls
from t2l_fast.generators.init import bias_hyperinit
from t2l_fast.generators.parts import (
    LayerRows,
    ResidualMLP,
    TaskEncoder,
    index_encoder,
    last_mlp,
    mixer,
    name_of,
    rotate_by_rank,
)


class TextToLora(nn.Module, AdapterGenerator):
    """The hypernetwork of Text-to-LoRA (Charakorn et al., ICML 2025), architectures L, M and S.

    Args:
        config: its shape.
        encoder: embeds conditions; None = what `config.encoder` names, loaded at first use.
    """

    kind = "text_to_lora"

    def __init__(self, config: T2LConfig, *, encoder: TextEncoder | None = None) -> None:
        super().__init__()
        self.config = config
        self._encoder = encoder
        self._fingerprint = Fingerprint()
        if config.standardise_codes:
            self.register_buffer("code_mean", torch.zeros(config.task_embedding_size))
            self.register_buffer("code_std", torch.ones(config.task_embedding_size))
        self.task_encoder = TaskEncoder(config)
        self.layer_depth_encoder = index_encoder(config.num_layers, config)
        self.layer_type_encoder = index_encoder(len(config.module_shapes), config)
        self.mixer = mixer(config)
        self.mlp1, self.mlp2 = ResidualMLP(config), ResidualMLP(config)
        self.mlp3 = last_mlp(config)
        self.heads = nn.ModuleDict()
        for m in config.module_shapes:
            head = nn.Linear(config.head_in_size, config.head_width(m), bias=config.head_bias)
            if config.head_bias:
                bias_hyperinit(head, m, config)
            self.heads[name_of(m)] = head
        if config.rank_by_rank and config.rank_positions == "learnable":
            self.pos_emb = index_encoder(config.lora.rank, config, config.latent_size)
        if config.offset != "none":
            trained = config.offset == "learnable"
            self.AB_offset = LayerRows(config, trained=trained)
        if config.z_scores:
            self.mean_recon_target = LayerRows(config)
            self.std_recon_target = LayerRows(config, fill=1.0)
        if config.arch != "L":
            self.out_emb = nn.ModuleDict(
                {name_of(m): _Outputs(config) for m in config.module_shapes}
            )
            self.out_emb_norm = nn.LayerNorm(config.latent_size)

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
                else load_encoder(self.config.encoder)
            )
        return self._encoder

    def encode(self, conditions: Sequence[str]) -> Tensor:
        """Task embeddings `[N, d_e]`, fp32, of N descriptions (of N task names with one-hot).

        Raises:
            EncoderError: a description is empty or longer than the encoder takes.
        """
        rows = self.encoder.encode(conditions)
        if not self.config.standardise_codes or not len(rows):
            return rows
        return scaled((rows - self.code_mean.cpu()) / self.code_std.cpu())

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

    def latents(self, codes: Tensor) -> Tensor:
        """Codes `[N, d_e]` → what the heads read.

        Returns:
            `[modules, layers, N, h]` for L, `[modules, 2, layers, N, h]` for M (A, then B),
            `[modules, 2, layers, N, rank, h]` for S, `[modules, layers, N, rank, h]` for L with
            `rank_rows`.
        """
        if codes.dim() != 2 or codes.shape[1] != self.config.task_embedding_size:
            raise ArgumentError(
                f"codes must have shape [N, d_e]=(*, {self.config.task_embedding_size}), "
                f"got {tuple(codes.shape)}"
            )
        task = self.task_encoder(codes.to(self.layer_depth_encoder[0].weight))
        depth = self.layer_depth_encoder(self._indices(self.config.num_layers))
        kind = self.layer_type_encoder(self._indices(len(self.config.module_shapes)))
        shape = (len(kind), len(depth), len(task), -1)
        parts = (task[None, None], depth[None, :, None], kind[:, None, None])
        v = self.mlp1(self.mixer(torch.cat([p.expand(shape) for p in parts], dim=-1)))
        if self.config.arch != "L":
            outputs = torch.stack([torch.stack((e.A, e.B)) for e in self.out_emb.values()])
            v = v[:, None] + self.out_emb_norm(outputs)[:, :, None, None]
        v = self.mlp2(v)
        return self.mlp3(self._by_rank(v) if self.config.rank_by_rank else v)

    def _by_rank(self, v: Tensor) -> Tensor:
        """`[…, m]` → `[…, rank, m]`."""
        rank = self.config.lora.rank
        if self.config.rank_positions == "rotary":
            return self.mlp2(rotate_by_rank(v, rank))
        return v.unsqueeze(-2) + self.mlp2(self.pos_emb(self._indices(rank)))

    def forward(self, codes: Tensor) -> LoraBatch:
        """Adapters of `[N, d_e]` codes for all layers and modules at once, with their graph.

        Raises:
            ArgumentError: codes of another shape.
        """
        lora_a: dict[str, Tensor] = {}
        lora_b: dict[str, Tensor] = {}
        for m, latents in zip(self.config.module_shapes, self.latents(codes), strict=True):
            lora_a[m], lora_b[m] = (call.rows() for call in self._calls(m, latents))
        paths = self.config.module_paths
        return LoraBatch(self.config.lora, lora_a, lora_b, None if paths is None else dict(paths))

    def z_scores(self, codes: Tensor) -> LoraBatch:
        """What heads predict before z-scores are undone, with its graph.

        Raises:
            ConfigError: the heads predict adapters themselves.
        """
        if not self.config.z_scores:
            raise ConfigError("z_scores needs a generator with config.z_scores=True, got False")
        calls = {
            m: [replace(call, extras=Extras()) for call in self._calls(m, own)]
            for m, own in zip(self.config.module_shapes, self.latents(codes), strict=True)
        }
        a, b = ({m: pair[part].rows() for m, pair in calls.items()} for part in (0, 1))
        return LoraBatch(self.config.lora, a, b)

    def _calls(
        self, module: str, latents: Tensor, layer: int | None = None
    ) -> tuple[HeadCall, HeadCall]:
        """What makes A, and B; of one layer alone where it is given."""
        extras = self._extras(module)
        if layer is not None:
            extras = extras[0].layer(layer), extras[1].layer(layer)
        return head_calls(self.config, self.heads[name_of(module)], module, latents, extras)

    def _extras(self, module: str) -> tuple[Extras, Extras]:
        """Offsets and statistics of A and of B."""
        found = [
            rows.of(module) if rows is not None else (None, None)
            for rows in (
                getattr(self, name, None)
                for name in ("AB_offset", "mean_recon_target", "std_recon_target")
            )
        ]
        a, b = (Extras(*(pair[part] for pair in found)) for part in (0, 1))
        return a, b

    def cut(self, latents: Tensor) -> dict[tuple[str, int], Tensor]:
        """`latents` by (module, layer), without copies: what `deferred` reads."""
        axis = 0 if self.config.arch == "L" else 1
        return {
            (m, layer): part
            for m, own in zip(self.config.module_shapes, latents.unbind(), strict=True)
            for layer, part in enumerate(own.unbind(axis))
        }

    def deferred(self, latents: dict[tuple[str, int], Tensor]) -> DeferredBatch:
        """Adapters whose rows are made when a site needs them, and never kept.

        Args:
            latents: (module, layer) → what `cut` gives, or leaves of the same shape.
        """
        config = self.config
        axis = 0 if config.arch == "L" else 1

        def make(module: str, layer: int, part: int) -> Tensor:
            own = latents[module, layer].unsqueeze(axis)
            return self._calls(module, own, layer)[part].rows()[0]

        shapes = {m: (config.num_layers, *sizes) for m, sizes in config.module_shapes.items()}
        count = next(iter(latents.values())).shape[axis]
        rest = (p for p in self.parameters() if p.ndim == 3)  # offsets
        sources = (*latents.values(), *self.heads.parameters(), *rest)
        return DeferredBatch(config.lora, shapes, count, make, sources)

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
        own = self.layer_depth_encoder[0].weight.device
        if any(slab.lora_a[m].device != own for m in self.config.module_shapes):
            return super().generate_into(codes, slab, slots)
        with self._eval():
            latents = self.latents(codes)
        for m, own in zip(self.config.module_shapes, latents, strict=True):
            call_a, call_b = self._calls(m, own)
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
        none = self.layer_depth_encoder[0].weight.new_empty(0)
        calls = {m: self._calls(m, none.expand(2, 0)) for m in self.config.module_shapes}
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
            m: self._calls(m, own)
            for m, own in zip(self.config.module_shapes, latents, strict=True)
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
        """Write `config.json` and `model.safetensors`; both appear whole or not at all.

        Args:
            dtype: of the stored weights; None = as they are.
        """
        checkpoint.save(self.config, self.state_dict(), Path(folder), dtype)

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
        folder = checkpoint.find(name)
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
        with torch.device("meta"):
            model = cls(config, encoder=encoder)
        checkpoint.check_state(model.state_dict(), state, str(name))
        model.load_state_dict(state, assign=True)
        return model.eval()

    @contextmanager
    def _eval(self) -> Iterator[None]:
        """Without dropout and autocast: what a code stands for does not depend on the caller."""
        was_training = self.training
        self.eval()
        try:
            with torch.autocast(self.layer_depth_encoder[0].weight.device.type, enabled=False):
                yield
        finally:
            self.train(was_training)

    def _indices(self, count: int) -> Tensor:
        return torch.arange(count, device=self.layer_depth_encoder[0].weight.device)


class _Outputs(nn.Module):
    """Learned vectors `[m]` that ask M and S for A or for B of one module type."""

    def __init__(self, config: T2LConfig) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(config.latent_size))
        self.B = nn.Parameter(torch.randn(config.latent_size))
