"""What end-to-end training refuses before it reads any text."""

from __future__ import annotations

from collections.abc import Sequence

from t2l_fast.errors import ConfigError
from t2l_fast.generators import Generator
from t2l_fast.tasks import Task
from t2l_fast.train.data.order import check_tasks
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.sft.config import SFTConfig, WarmStartConfig
from t2l_fast.train.sft.optimizer import starts_conditioned


def check_arguments(
    generator: Generator,
    tasks: Sequence[Task],
    config: SFTConfig,
    processes: Processes,
    warm_start: WarmStartConfig | None,
) -> None:
    """Check that the arguments of a trainer fit each other.

    Raises:
        ConfigError: they don't, or a task has no training examples.
    """
    check_tasks(tasks, config.tasks_per_batch)
    if config.tasks_per_batch < processes.count:
        raise ConfigError(
            f"tasks_per_batch must be at least the {processes.count} processes, got "
            f"{config.tasks_per_batch}: launch fewer"
        )
    if config.recompute_weights and not generator.defers:
        raise ConfigError(
            "recompute_weights needs a generator that makes adapters layer by layer, got "
            f"{generator.kind}: leave it False"
        )
    if config.encoder_rank and not (generator.reads_text and generator.config.encoder):
        raise ConfigError(
            f"encoder_rank={config.encoder_rank} needs a generator whose config names a "
            f"text encoder, got {generator.kind}: leave it 0"
        )
    if warm_start is not None and not starts_conditioned(generator, config):
        raise ConfigError(
            "a warm start needs a conditioned start of a generator of texts whose heads have "
            f"biases, got start={config.start!r} for {generator.kind}"
        )
