"""What generators are compared with."""

from t2l_fast.generators.baselines.multi_task import MultiTaskConfig, MultiTaskLora
from t2l_fast.generators.registry import register

__all__ = ["MultiTaskConfig", "MultiTaskLora"]

register(
    kind="multi_task_lora",
    config=MultiTaskConfig,
    model=MultiTaskLora,
    summary="One trainable LoRA for all tasks, whatever the description.",
    reads=MultiTaskLora.is_folder,
)
