"""Processes as a launcher starts them, on this machine, each running one function of a test."""

import multiprocessing
import os
import socket
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PRELOADED = (
    "accelerate",
    "pytest",
    "t2l_fast.train",
    "torch.distributed.fsdp",
    "transformers.models.llama.modeling_llama",
    "transformers.tokenization_utils_tokenizers",
)
"""What takes long to import: once in the server that processes are forked from."""


def tiny() -> ModuleType:
    """The helpers of tests/conftest.py, which can't be imported by name."""
    spec = spec_from_file_location("tiny", Path(__file__).parents[1] / "conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trainer(
    processes,
    folder,
    *,
    fsdp=False,
    double=False,
    packs=True,
    warm=None,
    arch="L",
    encoder=None,
    **changes,
):
    """The trainer of tests/train/conftest.py, equal at the start in every process.

    `arch` "one" is a `MultiTaskLora`; `encoder` names a text encoder.
    """
    from dataclasses import replace

    from t2l_fast.encoders import load_encoder
    from t2l_fast.generators import MultiTaskLora, TextToLora
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import SFTConfig, SFTTrainer, WarmStartConfig, shard
    from t2l_fast.train.data import collator as data

    data.packable = lambda model: packs
    made = tiny()
    model = made._model()
    generator = made._generator(model, arch="L" if arch == "one" else arch)
    if arch == "one":
        generator = MultiTaskLora(generator.config)
    if encoder is not None:
        shape = replace(generator.config, encoder=encoder)
        generator = TextToLora(shape, encoder=load_encoder(encoder))
    if double:
        model, generator = model.double(), generator.double()
    if fsdp:
        shard(model, processes)
    # answers of different lengths, so that shares of the work are uneven
    tasks = [
        made._task(f"shift/{by}", {a: b * (1 + by) for a, b in made._shift(by).items()})
        for by in range(7)
    ]
    settings = dict(
        steps=5,
        tasks_per_batch=5,
        examples_per_task=3,
        learning_rate=1e-2,
        eval_every=2,
        eval_examples=2,
        save_every=2,
    )
    return SFTTrainer(
        generator,
        model,
        Prompt(made._tokenizer()),
        tasks,
        SFTConfig(**settings | changes),
        folder,
        warm_start=None if warm is None else WarmStartConfig(**warm),
        processes=processes,
    )


def start(count: int, function, *args, patience: float = 30.0) -> list:
    """Processes that call `function(processes, *args)`; see `finish`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = []
    for rank in range(count):
        here, there = context.Pipe()
        given = (there, rank, count, port, patience, function, args)
        process = context.Process(target=_run, args=given, daemon=True)
        process.start()
        there.close()
        process.connection = here
        made.append(process)
    return made


def finish(processes) -> list[tuple]:
    """("done", result), ("failed", (type, message)) or ("killed", None) of each; none runs on."""
    found = []
    try:
        for process in processes:
            assert process.connection.poll(60), "a process hangs"
            try:
                found.append(process.connection.recv())
            except EOFError:
                found.append(("killed", None))
    finally:
        kill(processes)
    return found


def kill(processes) -> None:
    """`kill -9`."""
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


def together(count: int, function, *args) -> list:
    """What `count` processes return."""
    found = finish(start(count, function, *args))
    assert [state for state, _ in found] == ["done"] * count, found
    return [result for _, result in found]


def _run(connection, rank, count, port, patience, function, args) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    if count > 1:
        os.environ |= {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(count),
            "LOCAL_WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
    import torch

    from t2l_fast.train import join

    torch.set_num_threads(1)
    try:
        processes = join(patience)
        result = function(processes, *args)
        processes.leave()
        connection.send(("done", result))
    except BaseException as error:
        traceback.print_exc()
        connection.send(("failed", (type(error).__name__, str(error))))
    # as it is when a process fails: nobody says goodbye to the others
    os._exit(0)
