"""`t2l generate`: descriptions in, PEFT folders out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from t2l_fast.cli.device import DeviceOptions, chosen
from t2l_fast.cli.generator import CheckpointOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.cli.progress import Bar
from t2l_fast.errors import ArgumentError, ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from t2l_fast.adapters import LoraWeights
    from t2l_fast.generators import Generator
    from t2l_fast.tasks import Example

_AT_ONCE = 64


@from_configs
def generate(
    place: Annotated[DeviceOptions, Fields()],
    loading: Annotated[CheckpointOptions, Fields()],
    description: Annotated[
        str | None, typer.Argument(help="What the adapter should do, in a sentence.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")] = Path("adapter"),
    file: Annotated[
        Path | None, typer.Option("--file", help="Text file, one description a line.")
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            help='JSON lines {"input": …, "output": …}: fit the adapter to them, from the '
            "description on. Loads the base model."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a folder.")] = False,
) -> None:
    """Turn a description into a PEFT folder, or each line of a file into one below the folder.

    Where words don't lead to the right adapter, a few examples may: --examples.
    """
    from t2l_fast.generators import AutoGenerator

    if description is not None and file is None:
        texts = [description]
    elif file is not None and description is None:
        texts = _lines(file, "--file")
    else:
        raise ArgumentError("generate takes a description or --file, got both or neither")
    if examples is not None and description is None:
        raise ArgumentError("--examples are of one task: give its description, without --file")
    known = None if examples is None else _read_examples(examples)
    folders = [out] if file is None else [out / _slug(i, text) for i, text in enumerate(texts)]
    device = chosen(place.device)
    generator = AutoGenerator.from_pretrained(
        loading.checkpoint, device=device, trust_remote_code=loading.trust_remote_code
    )
    codes = generator.encode(texts)
    if known is not None:
        codes = _fitted(generator, codes, known)
    for start in range(0, len(texts), _AT_ONCE):
        batch = generator.generate(codes=codes[start : start + _AT_ONCE])
        for adapter, folder in zip(batch, folders[start:], strict=False):
            _write(adapter, folder)
    for text, folder in zip(texts, folders, strict=True):
        if as_json:
            typer.echo(json.dumps({"folder": str(folder), "description": text}))
        else:
            Console().print(f"{folder}  {text}", markup=False, soft_wrap=True)


def _fitted(generator: Generator, code: Tensor, known: list[Example]) -> Tensor:
    """A code `[1, d_e]` fitted to examples on the generator's base model."""
    from t2l_fast.models import load_model
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import FitConfig, fit_codes, keep_freed_memory

    if generator.config.base_model is None:
        raise ConfigError("--examples need a generator that names its base model, this one doesn't")
    keep_freed_memory()
    model, tokenizer = load_model(generator.config.base_model, device=generator.anchor.device)
    prompt = Prompt(tokenizer, generator.config.prompt_template)
    config = FitConfig()
    with Bar("fitting", config.steps, as_json=False) as note:
        return fit_codes(generator, model, prompt, [known], code, config, on_step=note)


def _read_examples(file: Path) -> list[Example]:
    from t2l_fast.tasks import Example

    examples = []
    for number, line in enumerate(_lines(file, "--examples"), 1):
        try:
            read = json.loads(line)
            source, output = read["input"], read["output"]
        except (ValueError, KeyError, TypeError):
            source = output = None
        if not (isinstance(source, str) and isinstance(output, str)):
            raise ArgumentError(
                'each line of --examples must be {"input": "…", "output": "…"}, got line '
                f"{number} of {file}: {line[:80]}"
            )
        examples.append(Example(source, output))
    return examples


def _write(adapter: LoraWeights, folder: Path) -> None:
    try:
        adapter.save_pretrained(folder)
    except OSError as error:
        raise ArgumentError(f"--out must be a folder, {folder} can't be written: {error}") from None


def _lines(file: Path, option: str) -> list[str]:
    """Those that aren't empty."""
    try:
        lines = [line.strip() for line in file.read_text().split("\n")]
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{option} must be a readable text file, got {file}: {error}") from None
    texts = [line for line in lines if line]
    if not texts:
        raise ArgumentError(f"{option} must hold at least one line, got an empty {file}")
    return texts


def _slug(index: int, text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"{index:04d}-{words[:40].rstrip('-')}".rstrip("-")
