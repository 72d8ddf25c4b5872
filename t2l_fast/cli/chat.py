"""`t2l chat`: talk to the base model under an adapter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from t2l_fast.cli.device import DeviceOptions, chosen
from t2l_fast.cli.generator import CheckpointOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.errors import ConfigError


@from_configs
def chat(
    place: Annotated[DeviceOptions, Fields()],
    loading: Annotated[CheckpointOptions, Fields()],
    adapter: Annotated[
        str, typer.Option(help="A description, or a PEFT folder; empty = the base model.")
    ] = "",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 64,
) -> None:
    """Read a line, answer it, until the end of input. `/adapter TEXT` changes the adapter."""
    from t2l_fast.adapters import LoraWeights, attach
    from t2l_fast.generators import AutoGenerator
    from t2l_fast.models import load_model
    from t2l_fast.tasks import Prompt, answer

    console, device = Console(), chosen(place.device)
    generator = AutoGenerator.from_pretrained(
        loading.checkpoint, device=device, trust_remote_code=loading.trust_remote_code
    )
    if generator.config.base_model is None:
        raise ConfigError(
            f"chat needs a checkpoint that names its base model, got {loading.checkpoint}"
        )

    def load(text: str) -> LoraWeights | None:
        if Path(text).is_dir() and text:
            return LoraWeights.from_pretrained(text)
        return generator.generate([text])[0] if text.strip() else None

    weights = load(adapter)
    model, tokenizer = load_model(generator.config.base_model, device=device)
    prompt = Prompt(tokenizer, generator.config.prompt_template)
    lora = weights.config if weights is not None else generator.config.lora
    adapters = attach(
        model,
        generator.config.lora,
        num_slots=1,
        rank_max=max(lora.rank, generator.config.lora.rank),
    )
    ids = adapters.bank.register(weights=[weights]) if weights is not None else [None]
    interactive = sys.stdin.isatty()
    if interactive:
        console.print("Type a line; /adapter TEXT for another adapter; end with Ctrl-D.")
    while True:
        try:
            line = console.input("> " if interactive else "")
        except EOFError:
            return
        if line.startswith("/adapter"):
            weights = load(line.removeprefix("/adapter").strip())
            ids = adapters.bank.register(weights=[weights]) if weights is not None else [None]
            continue
        if not line.strip():
            continue
        with adapters.bank.lease(ids) as lease, adapters.use(lease):
            (text,) = answer(model, prompt, [line], max_new_tokens=max_new_tokens)
        console.print(text, markup=False, highlight=False)
