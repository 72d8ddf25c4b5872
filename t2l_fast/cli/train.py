"""`t2l train`: one command per way of training."""

from __future__ import annotations

import typer

from t2l_fast.cli.adapters import adapters
from t2l_fast.cli.encoder import encoder
from t2l_fast.cli.oracles import oracles
from t2l_fast.cli.recon import recon
from t2l_fast.cli.sft import sft

app = typer.Typer(help="Train generators, and many adapters at once.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Train generators, and many adapters at once."""


app.command()(sft)
app.command()(adapters)
app.command()(oracles)
app.command()(encoder)
app.command()(recon)
