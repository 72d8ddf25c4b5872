"""`t2l train`: one command per way of training."""

from __future__ import annotations

import typer

from t2l_fast.cli.encoder import encoder
from t2l_fast.cli.oracles import oracles
from t2l_fast.cli.recon import recon
from t2l_fast.cli.sft import sft

app = typer.Typer(help="Train generators.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Train generators."""


app.command()(sft)
app.command()(oracles)
app.command()(encoder)
app.command()(recon)
