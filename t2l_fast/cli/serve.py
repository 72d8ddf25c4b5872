"""`t2l serve`: an OpenAI-compatible server with an adapter for every request."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2l_fast.cli.device import DeviceOptions, chosen
from t2l_fast.cli.generator import CheckpointOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.serve.config import MEGABYTE, EngineConfig, Limits

if TYPE_CHECKING:
    import torch

    from t2l_fast.adapters import Adapters

log = logging.getLogger("t2l_fast.serve")


@from_configs
def serve(
    place: Annotated[DeviceOptions, Fields()],
    loading: Annotated[
        CheckpointOptions,
        Fields(
            help={"checkpoint": 'Generator: "smollm2", a folder, or a name on the hub; "" = none.'}
        ),
    ],
    sizes: Annotated[
        EngineConfig,
        Fields(
            only=(
                "max_active",
                "max_batch_tokens",
                "cache_tokens",
                "attention",
                "max_queue",
                "max_queue_per_tenant",
            )
        ),
    ],
    counts: Annotated[
        dict,
        Fields(
            Limits,
            only=("adapters", "trained"),
            flags={"adapters": "--max-adapters", "trained": "--max-uploads"},
        ),
    ],
    model: Annotated[
        str, typer.Option(help="Base model; empty = the one the checkpoint names.")
    ] = "",
    served_name: Annotated[
        str, typer.Option(help="What requests call the base model; empty = its name.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    store: Annotated[
        Path | None, typer.Option(help="SQLite file of registered adapters; none = RAM alone.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="File with one tenant:key a line; none = open to whoever reaches it."),
    ] = None,
    slots: Annotated[int, typer.Option(min=1, help="Adapters on the device at once.")] = 64,
    rank_max: Annotated[
        int, typer.Option(help="Largest rank a slot takes; 0 = the generator's.")
    ] = 0,
    target_modules: Annotated[
        str,
        typer.Option(
            help='Linears that take adapters: "q_proj,v_proj", "all-linear" or a regular '
            "expression for the whole path; empty = the generator's."
        ),
    ] = "",
    exclude: Annotated[
        str,
        typer.Option(
            help='Modules to leave out with all inside them, "vision_tower,audio_tower", or a '
            "regular expression; adapters' weights for them are dropped."
        ),
    ] = "",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, float16; empty = as stored.")] = "",
    max_upload_mb: Annotated[
        int, typer.Option(min=1, help="Megabytes of an uploaded adapter, zipped and unzipped.")
    ] = Limits.upload_bytes // MEGABYTE,
    max_body_mb: Annotated[int, typer.Option(min=1, help="Megabytes of any other request.")] = (
        Limits.body_bytes // MEGABYTE
    ),
    grace: Annotated[
        int, typer.Option(min=1, help="Seconds that requests get to finish after SIGTERM.")
    ] = 60,
) -> None:
    """Serve chat, completions and adapters under /v1, until SIGTERM or Ctrl-C."""
    try:
        from t2l_fast.serve.http.app import create_app
        from t2l_fast.serve.http.listen import bound, run_until_stopped
        from t2l_fast.serve.tenants.keys import Keys
    except ImportError as error:
        raise ConfigError(
            f"t2l serve needs fastapi, uvicorn and prometheus_client, got {error}: "
            'pip install "t2l_fast[serve]"'
        ) from None
    from t2l_fast.serve import Engine

    known = keys and Keys.read(keys)  # before anything slow
    limits = Limits(
        upload_bytes=max_upload_mb * MEGABYTE, body_bytes=max_body_mb * MEGABYTE, **counts
    )
    own = bound(host, port)
    device, trust = chosen(place.device), loading.trust_remote_code
    places = _names(target_modules), _names(exclude)
    loaded = _load(loading.checkpoint, model, dtype, device, slots, rank_max, places, store, trust)
    _log_to_stderr()
    # names the encoder, so loads it before the first request
    encoder = loaded.generator.encoder.name if loaded.generator is not None else "none"
    log.info("%s on %s, %d slots, encoder %s", loaded.name, loaded.device, slots, encoder)
    engine = None
    try:
        engine = Engine(loaded.model, loaded.tokenizer, loaded.adapters, sizes)
        app = create_app(
            engine,
            base=served_name or loaded.name,
            template=loaded.generator and loaded.generator.config.prompt_template,
            keys=known,
            limits=limits,
        )
        run_until_stopped(app, engine, own, grace)
    finally:
        if engine is not None:
            engine.close(timeout=0)
        loaded.adapters.detach()


@dataclass(frozen=True)
class _Loaded:
    name: str
    device: torch.device
    model: Any
    tokenizer: Any
    generator: Any
    adapters: Adapters


def _load(
    checkpoint: str,
    model: str,
    dtype: str,
    device: torch.device,
    slots: int,
    rank_max: int,
    places: tuple[tuple[str, ...] | str, tuple[str, ...] | str],
    store: Path | None,
    trust_remote_code: bool,
) -> _Loaded:
    import torch

    from t2l_fast.adapters import attach
    from t2l_fast.config import LoraConfig
    from t2l_fast.generators import AutoGenerator
    from t2l_fast.models import load_model

    if dtype not in ("", "float32", "bfloat16", "float16"):
        raise ArgumentError(f"--dtype must be float32, bfloat16 or float16, got {dtype!r}")
    targets, exclude = places
    generator = None
    if checkpoint:
        generator = AutoGenerator.from_pretrained(
            checkpoint, device=device, trust_remote_code=trust_remote_code
        )
    name = model or (generator.config.base_model if generator is not None else None)
    if not name:
        raise ConfigError("the checkpoint names no base model, and --model is empty: name one")
    if generator is None and not (targets and rank_max > 0):
        raise ConfigError("without a checkpoint, --target-modules and --rank-max are needed")
    kind = getattr(torch, dtype) if dtype else None
    base, tokenizer = load_model(name, dtype=kind, device=device)
    lora = generator.config.lora if generator is not None else LoraConfig("all-linear", rank_max, 1)
    if targets:
        lora = replace(lora, target_modules=targets)
    adapters = attach(
        base,
        lora,
        num_slots=slots,
        rank_max=rank_max or None,
        generator=generator,
        exclude=exclude,
        store=store,
    )
    return _Loaded(name, device, base, tokenizer, generator, adapters)


def _names(option: str) -> tuple[str, ...] | str:
    """Return names that commas separate, or the text itself: a regular expression, all-linear."""
    if option == "all-linear" or re.search(r"[^\w\s.,-]", option):
        return option
    return tuple(name.strip() for name in option.split(",") if name.strip())


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
    for logger in ("t2l_fast", "uvicorn"):
        logging.getLogger(logger).setLevel(logging.INFO)
    # its tracebacks say what was in an exception; ours say where it came from
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
