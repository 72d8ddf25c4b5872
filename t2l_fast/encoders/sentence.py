"""SentenceEncoder: a sentence-transformers model, pooled and prompted as its name asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from t2l_fast.encoders.adapter import EncoderAdapter, with_lora
from t2l_fast.encoders.base import BATCH, MAX_TOKENS, prepare_all, refuse_long, scaled
from t2l_fast.encoders.health import check_buffers, check_embeddings
from t2l_fast.encoders.name import EncoderName, with_adapter
from t2l_fast.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SFR_PROMPT = "Instruct: Retrieve semantically similar text.\nQuery: "


class SentenceEncoder:
    """A sentence-transformers model as `TextEncoder`.

    As in Text-to-LoRA (arXiv:2506.06105), names with "gte" pool the first token. Names with "SFR"
    pool the last one after an instruction. All others keep their own pooling and prompt.

    Args:
        model: put into eval mode; its pooling is changed as the name asks.
        name: of the encoder; of a path only the last part is looked at.
        adapter: merged into the model; its digest becomes part of the name.

    Raises:
        EncoderError: the model has no pooling to change, the adapter does not fit it, or it does
            not work (see `health`).
    """

    def __init__(
        self, model: SentenceTransformer, name: str, adapter: EncoderAdapter | None = None
    ) -> None:
        self.name = name if adapter is None else with_adapter(name, adapter.digest)
        self.adapter = adapter
        if adapter is not None:
            adapter.merge_into(_transformer(model, name))
        self._model = model.eval().requires_grad_(False)
        self._limit = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
        self._prompt = model.prompts.get(model.default_prompt_name or "", "")
        if is_gte(name):
            _pool(model, name, "cls")
            model.tokenizer.padding_side = "right"
        elif is_sfr(name):
            _pool(model, name, "lasttoken")
            self._prompt = SFR_PROMPT
        check_buffers(name, model)
        self.dim = check_embeddings(name, self._embed)

    @torch.inference_mode(False)
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embed texts, as `TextEncoder.encode`."""
        texts = prepare_all(texts)
        if not texts:
            return torch.empty(0, self.dim)
        self._refuse_long(texts)
        return scaled(self._embed(texts))

    @torch.no_grad()
    def _embed(self, texts: list[str]) -> Tensor:
        rows = self._model.encode(
            texts,
            prompt=self._prompt,
            batch_size=BATCH,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        # an inference tensor, which autograd would refuse to save
        return rows.clone().to("cpu", torch.float32)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return embeddings `[N, dim]` on the model's device, with their graph, for training.

        Raises:
            EncoderError: as for `encode`.
        """
        prepared = prepare_all(texts)
        self._refuse_long(prepared)
        order = sorted(range(len(prepared)), key=lambda i: len(prepared[i]))  # little padding
        rows = []
        for start in range(0, len(order), BATCH):
            chosen = [prepared[i] for i in order[start : start + BATCH]]
            features = self._model.preprocess(chosen, prompt=self._prompt)
            device = self._model.device
            moved = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in features.items()}
            rows.append(self._model(moved)["sentence_embedding"].float())
        return torch.cat(rows)[torch.tensor(order).argsort()]

    def _refuse_long(self, texts: Sequence[str]) -> None:
        whole = [(self._prompt or "") + text for text in texts]
        tokens = self._model.tokenizer(whole, truncation=False, verbose=False)["input_ids"]
        refuse_long(self.name, texts, [len(ids) for ids in tokens], self._limit)

    def name_with(self, adapter: EncoderAdapter) -> str:
        """Return this encoder's name with an adapter merged."""
        return with_adapter(self.name, adapter.digest)

    def attach(self, lora: Any) -> Any:
        """Put a new LoRA into the model, which is all that takes gradients; a `PeftModel`.

        Args:
            lora: a `peft.LoraConfig`.

        Raises:
            EncoderError: the encoder has no transformers model, or an adapter already.
        """
        if self.adapter is not None:
            raise EncoderError(
                f"an encoder to fit must have no adapter yet, got {self.name!r}: fit "
                f"{EncoderName.parse(self.name, by_digest=True).plain!r}"
            )
        return with_lora(_transformer(self._model, self.name), lora)

    @contextmanager
    def adapting(self, lora: Any) -> Iterator[Any]:
        """Run with a new LoRA in training mode, as `attach` gives it; then as before."""
        wrapped = self.attach(lora)
        self._model.train()
        try:
            yield wrapped
        finally:
            wrapped.unload()
            self._model.eval().requires_grad_(False)


def is_gte(name: str) -> bool:
    """Return whether the last part of a path has "gte" in it."""
    return "gte" in Path(name).name.lower()


def is_sfr(name: str) -> bool:
    """Return whether the last part of a path has "sfr" in it."""
    return "sfr" in Path(name).name.lower()


def _pool(model: SentenceTransformer, name: str, mode: str) -> None:
    pools: list[Any] = [module for module in model if hasattr(module, "pooling_mode")]
    if len(pools) != 1:
        raise EncoderError(
            f"the encoder {name!r} must have one pooling module, to be set to {mode!r}, got "
            f"{len(pools)}: rename its folder to keep its own pooling"
        )
    pools[0].pooling_mode = mode


def _transformer(model: SentenceTransformer, name: str) -> Any:
    """The transformers model inside."""
    inner = getattr(model[0], "auto_model", None)
    if inner is None:
        raise EncoderError(
            f"an adapter needs an encoder with a transformers model, got {name!r}, whose first "
            f"module is {type(model[0]).__name__}"
        )
    return inner
