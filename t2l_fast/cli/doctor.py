"""`t2l doctor`: what is installed, and what would run where."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from t2l_fast.errors import T2LError
from t2l_fast.version import __version__


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Show versions, devices, and which implementation would run where, and why."""
    report = diagnose()
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    table = Table("what", "found", title=f"t2l_fast {__version__}")
    for package, installed in report["packages"].items():
        table.add_row(package, installed or "not installed")
    for device in report["devices"]:
        table.add_row(device["name"], f"runs {device['impl']}: {device['why']}")
    table.add_row("attention", report["attention"])
    table.add_row("smollm2", report["smollm2"])
    Console().print(table)


def diagnose() -> dict[str, Any]:
    """Return what `t2l doctor` prints, as plain data."""
    import torch

    from t2l_fast.models import gguf_path
    from t2l_kernels import explain_impl

    devices = [torch.device("cpu")]
    devices += [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    rows = []
    for device in devices:
        impl, why = explain_impl(device)
        chip = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
        rows.append({"name": f"{device} ({chip})", "impl": impl, "why": why})
    flash = find_spec("flash_attn") is not None and torch.cuda.is_available()
    try:
        smollm2 = str(gguf_path())
    except T2LError as error:
        smollm2 = str(error)
    packages = ("torch", "triton", "transformers", "peft", "safetensors", "sentence-transformers")
    packages += ("flash-attn",)
    return {
        "version": __version__,
        "packages": {"python": platform.python_version()} | {p: _version(p) for p in packages},
        "devices": rows,
        "attention": "flash_attention_2"
        if flash
        else "sdpa (flash-attn needs CUDA and its package)",
        "smollm2": smollm2,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
