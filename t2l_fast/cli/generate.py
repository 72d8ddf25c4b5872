"""`t2l generate`: descriptions in, PEFT folders out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from t2l_fast.cli.device import Device, chosen
from t2l_fast.cli.generator import TrustRemoteCode, load_own_encoder
from t2l_fast.errors import ArgumentError

if TYPE_CHECKING:
    from t2l_fast.adapters import LoraWeights

_AT_ONCE = 64


def generate(
    description: Annotated[
        str | None, typer.Argument(help="What the adapter should do, in a sentence.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")] = Path("adapter"),
    file: Annotated[
        Path | None, typer.Option("--file", help="Text file, one description a line.")
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help='Generator: "smollm2", a folder, or a name on the hub.')
    ] = "smollm2",
    device: Device = "",
    trust_remote_code: TrustRemoteCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a folder.")] = False,
) -> None:
    """Turn a description into a PEFT folder, or each line of a file into one below the folder."""
    from t2l_fast.generators import TextToLora

    if (description is None) == (file is None):
        raise ArgumentError("generate takes a description or --file, got both or neither")
    texts = [description] if description is not None else _read(file)
    folders = [out] if file is None else [out / _slug(i, text) for i, text in enumerate(texts)]
    place = chosen(device)
    generator = TextToLora.from_pretrained(checkpoint)
    load_own_encoder(generator, device=place, trust_remote_code=trust_remote_code)
    generator.to(place)
    codes = generator.encode(texts)
    for start in range(0, len(texts), _AT_ONCE):
        batch = generator.generate(codes=codes[start : start + _AT_ONCE])
        for adapter, folder in zip(batch, folders[start:], strict=False):
            _write(adapter, folder)
    for text, folder in zip(texts, folders, strict=True):
        if as_json:
            typer.echo(json.dumps({"folder": str(folder), "description": text}))
        else:
            Console().print(f"{folder}  {text}", markup=False, soft_wrap=True)


def _write(adapter: LoraWeights, folder: Path) -> None:
    try:
        adapter.save_pretrained(folder)
    except OSError as error:
        raise ArgumentError(f"--out must be a folder, {folder} can't be written: {error}") from None


def _read(file: Path) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"--file must be a readable text file, got {file}: {error}") from None
    texts = [line for line in lines if line]
    if not texts:
        raise ArgumentError(f"--file must hold a description a line, got none in {file}")
    return texts


def _slug(index: int, text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"{index:04d}-{words[:40].rstrip('-')}".rstrip("-")
