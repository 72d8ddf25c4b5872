"""GPU section about training a generator: the same losses as on a CPU, and the same after a kill.

Everything is small and made here, tokenizer included, since the machine may have no network.
"""

from __future__ import annotations

import string
import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers as tf
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

import t2l_fast as t2l
from t2l_fast.encoders import OneHotEncoder
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.tasks import Example, Prompt, Task
from t2l_fast.train import OracleConfig, SFTConfig, SFTTrainer, train_library

STEPS = 6
SMALL = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
LARGE = {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 12}


def training(device: str, timed: dict[str, int] | None = None) -> list[dict]:
    """Compare training with a CPU's and time a bf16 step.

    Fp32 losses and task LoRAs stand beside a CPU's, and a run is killed in the middle.

    Args:
        timed: sizes of the base model whose steps are timed; None = `LARGE`.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        here, there = (_losses(root / place, place, SMALL) for place in ("cpu", f"{device}:0"))
        gap = max(abs(a - b) / a for a, b in zip(here, there, strict=True))
        assert gap < 1e-3, f"losses differ by {gap:.1e} of their size: {here}, {there}"
        killed = _losses(root / "killed", device, SMALL, kill=STEPS // 2)
        again = max(abs(a - b) / a for a, b in zip(there, killed, strict=True))
        assert again < 1e-4, f"a resumed run's losses differ by {again:.1e}: {there}, {killed}"
        lines = _lines(root / "timed", device, timed or LARGE, torch.bfloat16)
        assert all(torch.isfinite(torch.tensor(line["loss"])) for line in lines)
        own = [_oracles(root / f"oracles {p}", p) for p in ("cpu", f"{device}:0")]
        for mine, expected in zip(*own, strict=True):
            torch.testing.assert_close(mine, expected, rtol=1e-3, atol=1e-4)
    parts = {k: v for k, v in lines[-1].items() if k.startswith("seconds")}
    parts |= {k: lines[-1][k] for k in ("tokens_per_second", "peak_mb")}
    return [{"loss beside a CPU's": gap, "after a kill": again, "bf16 step": parts}]


def _losses(folder: Path, device: str, sizes: dict[str, Any], kill: int = 0) -> list[float]:
    return [line["loss"] for line in _lines(folder, device, sizes, torch.float32, kill)]


def _lines(
    folder: Path, device: str, sizes: dict[str, Any], dtype: torch.dtype, kill: int = 0
) -> list[dict]:
    """Metrics of every step; with `kill` the run ends there once and is resumed."""
    lines: dict[int, dict] = {}

    def note(line: dict) -> None:
        lines[line["step"]] = line
        if line["step"] == kill and not resumed:
            raise KeyboardInterrupt

    for resumed in (False, True) if kill else (False,):
        try:
            _trainer(folder, device, sizes, dtype).train(resume=resumed, on_step=note)
        except KeyboardInterrupt:
            continue
    return [lines[step] for step in sorted(lines)]


def _oracles(folder: Path, device: str) -> list[torch.Tensor]:
    """Task LoRAs of a few steps."""
    trainer = _trainer(folder / "unused", device, SMALL, torch.float32)
    config = OracleConfig(steps=3, examples=2, tasks_at_once=2)
    lora, prompt = trainer.generator.config.lora, trainer.collator.prompt
    library = train_library(trainer.model, prompt, trainer.tasks[:4], lora, config, folder)
    return library.adapters.parameters()


def _trainer(folder: Path, device: str, sizes: dict[str, Any], dtype: torch.dtype) -> SFTTrainer:
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    heads: dict[str, Any] = {"num_attention_heads": 8, "num_key_value_heads": 4}
    shape = tf.LlamaConfig(vocab_size=len(tokenizer), **heads, **sizes)
    model = tf.LlamaForCausalLM(shape).eval()
    torch.nn.Module.to(model, device, dtype)
    letters = string.ascii_lowercase
    tasks = [
        Task(
            name=f"shift/{by}",
            family="shift",
            descriptions=(f"shift/{by}",),
            eval_descriptions=(f"shift/{by}",),
            train=tuple(Example(a * by, letters[(i + by) % 26]) for i, a in enumerate(letters)),
            validation=(),
        )
        for by in range(1, 17)
    ]
    names = tuple(task.name for task in tasks)
    encoder = OneHotEncoder(names)
    config = T2LConfig.for_model(
        model,
        lora=t2l.LoraConfig(("q_proj", "v_proj"), rank=8, alpha=8),
        task_embedding_size=encoder.dim,
        latent_size=32,
        head_in_size=64,
        dropout=0.0,  # devices draw differently
        encoder="one_hot",
        task_names=names,
    )
    sft = SFTConfig(
        steps=STEPS, tasks_per_batch=8, examples_per_task=4, eval_every=0, save_every=1,
        generated_l2=1e-3, neftune_alpha=0.0, label_smoothing=0.1,
    )  # fmt: skip
    generator = TextToLora(config, encoder=encoder)
    return SFTTrainer(generator, model, Prompt(tokenizer), tasks, sft, folder)


def _tokenizer() -> tf.PreTrainedTokenizerFast:
    """A token for each character."""
    special = ("<pad>", "<eos>", "<unk>")
    characters = ("\n", " ", ":", *string.ascii_letters, *string.digits)
    vocabulary = {token: i for i, token in enumerate((*special, *characters))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
