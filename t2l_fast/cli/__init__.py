"""The command `t2l`: parse, call, print."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer
from rich.console import Console

from t2l_fast.cli import (
    bench,
    chat,
    demo,
    doctor,
    evaluate,
    generate,
    generators,
    report,
    serve,
    train,
)
from t2l_fast.errors import T2LError
from t2l_fast.version import __version__

app = typer.Typer(
    help="A sentence in, LoRA weights out; a different adapter for every row of the batch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # joins the lines of a paragraph
)
app.command("demo")(demo.demo)
app.command("generate")(generate.generate)
app.command("generators")(generators.generators)
app.command("chat")(chat.chat)
app.command("serve")(serve.serve)
app.command("eval")(evaluate.evaluate)
app.command("report")(report.report)
app.add_typer(train.app, name="train")
app.add_typer(bench.app, name="bench")
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", help="Print it.")] = False,
) -> None:
    """Handle the options that come before a command."""
    if show_version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command; a user's mistake is one sentence and exit code 2."""
    # peft imports it, and it warns of a 4-bit kernel that nobody asked for
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        app()
    except T2LError as error:
        Console(stderr=True).print(f"t2l: {error}", style="red", markup=False)
        sys.exit(2)
