"""Zhyper (Abdalla et al., arXiv 2510.19733)."""

from t2l_fast.generators.registry import register
from t2l_fast.generators.zhyper.config import ZhyperConfig
from t2l_fast.generators.zhyper.model import Zhyper

__all__ = ["Zhyper", "ZhyperConfig"]

register(
    kind="zhyper",
    config=ZhyperConfig,
    model=Zhyper,
    summary="A trained LoRA shared by all tasks, whose rank rows a hypernetwork modulates.",
)
