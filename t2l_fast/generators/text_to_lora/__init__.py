"""Text-to-LoRA (Charakorn et al., ICML 2025)."""

from t2l_fast.generators.registry import register
from t2l_fast.generators.text_to_lora import sakana
from t2l_fast.generators.text_to_lora.config import T2LConfig
from t2l_fast.generators.text_to_lora.model import TextToLora
from t2l_fast.generators.text_to_lora.offsets import offset_init

__all__ = ["T2LConfig", "TextToLora", "offset_init"]

register(
    kind="text_to_lora",
    config=T2LConfig,
    model=TextToLora,
    summary="A hypernetwork reads a task's description and gives LoRA weights in one pass.",
    reads=sakana.is_sakana,
)
