"""What Text-to-LoRA's published SFT runs used, by base model, as options of `t2l train sft`."""

from __future__ import annotations

from typing import Any

_TASKS, _EPOCHS, _AT_ONCE = 479, 20_000, 8
_COMMON: dict[str, Any] = {
    # scripts/*.sh and train_custom_sft.py of SakanaAI/text-to-lora
    "encoder": "Alibaba-NLP/gte-large-en-v1.5",
    "arch": "L",
    "target_modules": "q_proj,v_proj",
    "rank": 8,
    "alpha": 16.0,
    "lora_dropout": 0.05,
    "steps": _EPOCHS * (_TASKS // _AT_ONCE),
    "tasks_per_batch": _AT_ONCE,
    "examples_per_task": 1,
    "contrast": 1,
    "learning_rate": 2.5e-5,
    "trunk_learning_rate": 2.5e-5,
    "schedule": "linear",
    "warmup_fraction": 0.2,
    "weight_decay": 1e-2,
    "clip_norm": 1.0,
    "label_smoothing": 0.1,
    "generated_l2": 1e-3,
    "neftune_alpha": 5.0,
    "autocast": True,
    "dtype": "bfloat16",
    "start": "plain",
    "mix_descriptions": False,
    "descriptions_per_task": 128,
    "max_tokens": 512,
    "seed": 42,
    "eval_every": 10_000,
    "save_every": 10_000,  # 0.7 to 2.8 GB each, of a million steps
}
_SMALL = {"latent_size": 128, "head_in_size": 512}
_LARGE = {"latent_size": 512, "head_in_size": 2048}
PRESETS: dict[str, dict[str, Any]] = {
    "mistral": _COMMON | _SMALL | {"base": "mistralai/Mistral-7B-Instruct-v0.2"},
    "llama": _COMMON | _LARGE | {"base": "meta-llama/Llama-3.1-8B-Instruct"},
    "gemma": _COMMON | _LARGE | {"base": "google/gemma-2-2b-it"},
}
