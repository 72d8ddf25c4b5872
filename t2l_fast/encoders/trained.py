"""TrainedEncoder: a sentence encoder whose LoRA is being trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from t2l_fast.encoders.adapter import EncoderAdapter
from t2l_fast.encoders.base import scaled
from t2l_fast.encoders.load import load_encoder
from t2l_fast.encoders.name import EncoderName
from t2l_fast.encoders.sentence import SentenceEncoder
from t2l_fast.errors import EncoderError

NOT_READ = ["pooler.dense"]
"""Linears that no embedding goes through."""
_SCALE = 2.0
"""alpha / rank."""


class TrainedEncoder:
    """A `TextEncoder` at every moment of its training, under the name of what it is then.

    The adapter that its name stands for is rounded to fp16, as it is saved; `settle` makes the
    encoder equal to it.

    Args:
        name: of the encoder, as `load_encoder` takes it; its adapter is where training starts.
        rank: of the LoRA, at least that of the adapter; new rows add nothing at first.
        adapter: the one that the name stands for, as for `load_encoder`.
        device: where it runs; None = CPU.
        seed: of the new rows.

    Raises:
        EncoderError: it is no sentence-transformers encoder, or its adapter doesn't fit.
    """

    def __init__(
        self,
        name: str,
        rank: int,
        *,
        adapter: EncoderAdapter | None = None,
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> None:
        source = EncoderName.parse(name, by_digest=adapter is not None)
        self._base, start = source.plain, source.read_adapter(adapter)
        encoder = load_encoder(self._base, device=device)
        if not isinstance(encoder, SentenceEncoder):
            raise EncoderError(
                f"an encoder to train must be a sentence-transformers model, got {name!r}: train "
                "the generator alone"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._wrapped = encoder.attach(new_lora(rank, _SCALE * rank))
        self._encoder, self._rank = encoder, rank
        if start is not None:
            self._begin_at(start)

    @property
    def adapter(self) -> EncoderAdapter:
        """The LoRA as it is now, in fp16."""
        return adapter_of(self._wrapped)

    @property
    def name(self) -> str:
        """The encoder's name with its present adapter."""
        return self._encoder.name_with(self.adapter)

    @property
    def dim(self) -> int:
        """d_e of the encoder."""
        return self._encoder.dim

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embed texts, as `TextEncoder.encode`."""
        return self._encoder.encode(texts)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Embed texts on the encoder's device, with the graph.

        Raises:
            EncoderError: as for `encode`.
        """
        return scaled(self._encoder.embed(texts))

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by name."""
        return {k: p for k, p in self._wrapped.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def settle(self) -> None:
        """Round to what `adapter` holds."""
        for parameter in self.parameters().values():
            parameter.copy_(parameter.half())

    @torch.no_grad()
    def _begin_at(self, start: EncoderAdapter) -> None:
        try:
            config = json.loads(start.config)
            rank = config["r"]
            if rank > self._rank:
                raise EncoderError(
                    f"encoder_rank must be at least {rank}, that of the encoder's adapter, got "
                    f"{self._rank}: raise it"
                )
            scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)
            now = _state_of(self._wrapped)
            for name, tensor in load_tensors(start.weights).items():
                if "lora_A" in name:
                    now[name][:rank] = tensor
                else:
                    now[name][:, :rank] = tensor * (scale / _SCALE)
        except EncoderError:
            raise
        except (ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
            raise EncoderError(
                f"training an encoder goes on from a LoRA of its linears, got one that doesn't fit "
                f"{self._base}: {error}"
            ) from error


def new_lora(rank: int, alpha: Any) -> Any:
    """Return a `peft.LoraConfig` for all linears of an encoder."""
    import peft

    return peft.LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", exclude_modules=NOT_READ
    )


def adapter_of(wrapped: Any) -> EncoderAdapter:
    """Return the LoRA of a `PeftModel` by `new_lora`, in fp16."""
    held, config = _state_of(wrapped), wrapped.peft_config["default"]
    weights = save_tensors({k: t.detach().half().cpu().contiguous() for k, t in held.items()})
    # no more than is needed: other versions of peft refuse options that they don't know
    plain = {"peft_type": "LORA", "r": config.r, "lora_alpha": config.lora_alpha}
    plain |= {"target_modules": sorted(config.target_modules), "exclude_modules": NOT_READ}
    plain |= {"inference_mode": True}
    return EncoderAdapter((json.dumps(plain, indent=1) + "\n").encode(), weights)


def _state_of(wrapped: Any) -> dict[str, Tensor]:
    import peft

    # "auto", the default, asks the hub whether the embeddings were resized
    return peft.get_peft_model_state_dict(wrapped, save_embedding_layers=False)
