"""TextToLora: a task's text in, LoRA weights for every layer and module out, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from t2l_fast import ops
from t2l_fast.adapters.cores import Bases
from t2l_fast.adapters.deferred import DeferredBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.slab import LoraSlab
from t2l_fast.adapters.weights import LoraBatch
from t2l_fast.encoders import OneHotEncoder, TextEncoder, load_encoder
from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.generators import checkpoint
from t2l_fast.generators.config import T2LConfig
from t2l_fast.generators.fingerprint import Fingerprint
from t2l_fast.generators.init import bias_hyperinit
from t2l_fast.generators.parts import (
    ResidualMLP,
    TaskEncoder,
    index_encoder,
    last_mlp,
    mixer,
    rotate_by_rank,
)

Head = tuple[Tensor, Tensor, Tensor | None]
"""Latents `[layers, N, 1 | rank, h]`, weight `[1 | rank, d, h]`, bias `[1 | rank, d]`."""


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
            self.heads[_name(m)] = head
        if config.arch != "L":
            self.out_emb = nn.ModuleDict({_name(m): _Outputs(config) for m in config.module_shapes})
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
        return self.encoder.encode(conditions)

    def latents(self, codes: Tensor) -> Tensor:
        """Codes `[N, d_e]` → what the heads read.

        Returns:
            `[modules, layers, N, h]` for L, `[modules, 2, layers, N, h]` for M (A, then B),
            `[modules, 2, layers, N, rank, h]` for S.
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
        u = self.mlp1(self.mixer(torch.cat([p.expand(shape) for p in parts], dim=-1)))
        if self.config.arch == "L":
            return self.mlp3(self.mlp2(u))
        outputs = torch.stack([torch.stack((e.A, e.B)) for e in self.out_emb.values()])
        v = self.mlp2(u[:, None] + self.out_emb_norm(outputs)[:, :, None, None])
        if self.config.arch == "M":
            return self.mlp3(v)
        return self.mlp3(self.mlp2(rotate_by_rank(v, self.config.lora.rank)))

    def forward(self, codes: Tensor) -> LoraBatch:
        """Adapters of `[N, d_e]` codes for all layers and modules at once, with their graph.

        Raises:
            ArgumentError: codes of another shape.
        """
        lora_a: dict[str, Tensor] = {}
        lora_b: dict[str, Tensor] = {}
        for m, latents in zip(self.config.module_shapes, self.latents(codes), strict=True):
            lora_a[m], lora_b[m] = (ops.head(*head) for head in self._heads(m, latents))
        paths = self.config.module_paths
        return LoraBatch(self.config.lora, lora_a, lora_b, None if paths is None else dict(paths))

    def _heads(self, module: str, latents: Tensor) -> tuple[Head, Head]:
        """What `ops.head` takes to make A, and to make B: views of the head's weight."""
        config, head = self.config, self.heads[_name(module)]
        rank, (size_in, size_out) = config.lora.rank, config.module_shapes[module]
        if config.arch == "L":
            rows = slice(0, rank * size_in), slice(rank * size_in, None)
            a, b = ((head.weight[s], None if head.bias is None else head.bias[s]) for s in rows)
            latents = latents.unsqueeze(2)
            return _ranked(latents, a, rank, size_in), _ranked(latents, b, rank, size_out)
        if config.arch == "M":
            latents = latents.unsqueeze(3)
            whole = head.weight, head.bias
            return _ranked(latents[0], whole, rank, size_in), _ranked(
                latents[1], whole, rank, size_out
            )
        whole = head.weight, head.bias
        return _ranked(latents[0], whole, 1, size_in), _ranked(latents[1], whole, 1, size_out)

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
            return ops.head(*self._heads(module, own)[part])[0]

        shapes = {m: (config.num_layers, *sizes) for m, sizes in config.module_shapes.items()}
        count = next(iter(latents.values())).shape[axis]
        sources = (*latents.values(), *self.heads.parameters())
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
            for out, (x, weight, bias) in zip(
                (slab.lora_a[m], slab.lora_b[m]), self._heads(m, own), strict=True
            ):
                ops.head_into_slots(x.to(weight.dtype), weight, bias, slots=slots, out=out)
        slab.mark(self.config.lora, self.config.module_shapes, slots)

    @torch.no_grad()
    def bases(self) -> Bases | None:
        """The heads of architecture S, whose rows all rank rows and layers share; L and M: None."""
        if self.config.arch != "S":
            return None
        folded: tuple[dict[str, Tensor], dict[str, Tensor]] = {}, {}
        for m, (size_in, size_out) in self.config.module_shapes.items():
            head = self.heads[_name(m)]
            for part, size in zip(folded, (size_in, size_out), strict=True):
                bias = None if head.bias is None else head.bias[None, :size]
                part[m] = ops.fold_head(head.weight[None, :size], bias)
        return Bases(*folded, self.fingerprint)

    @torch.no_grad()
    def cores(self, codes: Tensor) -> LoraBatch:
        """Adapters of `[N, d_e]` codes as cores over `bases()`: the trunk alone, no head.

        Raises:
            ArgumentError: codes of another shape, or architecture L or M.
        """
        if self.config.arch != "S":
            raise ArgumentError(f'cores need arch="S", got {self.config.arch!r}: use generate')
        with self._eval():
            latents = self.latents(codes)
        made = [
            {
                m: ops.fold_latents(own[part], bias=self.config.head_bias)
                for m, own in zip(self.config.module_shapes, latents, strict=True)
            }
            for part in (0, 1)
        ]
        return LoraBatch(self.config.lora, *made)

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
    def from_pretrained(cls, name: str | Path, *, encoder: TextEncoder | None = None) -> TextToLora:
        """Load a generator, in eval mode and fp32.

        Args:
            name: "smollm2" (the bundled checkpoint), a folder, or a name on the Hugging Face hub.
            encoder: instead of the one that the checkpoint names.

        Raises:
            CheckpointError: there is no such checkpoint, or it is damaged or incomplete.
        """
        config, state = checkpoint.load(name)
        with torch.device("meta"):
            model = cls(config, encoder=encoder)
        checkpoint.check_state(model.state_dict(), state, str(name))
        model.load_state_dict(state, assign=True)
        return model.eval()

    @contextmanager
    def _eval(self) -> Iterator[None]:
        """Without dropout; then as before."""
        was_training = self.training
        self.eval()
        try:
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


def _name(module: str) -> str:
    return module.replace(".", "/")  # torch allows no dot in a submodule's name


def _ranked(latents: Tensor, part: tuple[Tensor, Tensor | None], rank: int, size: int) -> Head:
    """Views `[rank, size, h]` and `[rank, size]` of a head's flat, rank-major rows."""
    weight, bias = part
    bias = None if bias is None else bias.unflatten(0, (rank, -1))[:, :size]
    return latents, weight.unflatten(0, (rank, -1))[:, :size], bias
