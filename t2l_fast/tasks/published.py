"""Which of Text-to-LoRA's task folders its runs trained on and measured.

Source: `configs/hyper_lora_decontam_lol_tasks.yaml` of SakanaAI/text-to-lora at 8ba7749. Of 511
folders 479 are trained on; the rest is listed here.
"""

from __future__ import annotations

CONTAMINATED = (
    "lol_033",
    "lol_034",
    "lol_080",
    "lol_081",
    "lol_1286",
    "lol_1389",
    "lol_1391",
    "lol_228",
    "lol_380",
    "lol_381",
)
"""Left out of training: contaminated by what the benchmarks ask."""

HELD_OUT = (
    "lol_035",
    "lol_039",
    "lol_1557",
    "lol_202",
    "lol_304",
    "lol_362",
    "lol_614",
    "lol_701",
    "lol_706",
    "lol_710",
    "lol_726",
)
"""Never trained on, measured."""

SEEN = (
    "lol_084",
    "lol_1198",
    "lol_140",
    "lol_1448",
    "lol_1711",
    "lol_275",
    "lol_636",
    "lol_705",
    "lol_717",
    "lol_742",
)
"""Trained on, and measured on rows kept from training."""

BENCHMARKS = (
    "arc_challenge",
    "arc_easy",
    "boolq",
    "gsm8k",
    "hellaswag",
    "humaneval",
    "mbpp",
    "openbookqa",
    "piqa",
    "winogrande",
)
"""Never trained on; exact match says little of gsm8k, humaneval and mbpp."""

UNUSED = ("magicoder",)
"""In the folder, neither trained on nor measured."""


def is_trained(name: str) -> bool:
    """Return whether a folder is trained on: it is on no list for another use."""
    return name not in {*CONTAMINATED, *HELD_OUT, *BENCHMARKS, *UNUSED}
