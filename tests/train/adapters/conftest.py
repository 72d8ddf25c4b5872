"""Jobs on single letters, and the plain loop with PEFT that each is compared with."""

from types import SimpleNamespace

import pytest
import torch

import t2l_fast as t2l
from benchmarks.train.peft_alone import train_alone
from t2l_fast.train import Job, MultiLoraConfig, MultiLoraTrainer
from t2l_fast.train.adapters.data import read_data

CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def rows(tiny, by: int) -> list[dict[str, str]]:
    pairs = tiny.shift(by).items()
    return [{"prompt": f"Input: {a}\nOutput:", "completion": f" {b}"} for a, b in pairs]


def job(
    tiny, name: str, by: int = 2, *, targets=("q_proj", "v_proj"), rank=4, alpha=8.0, **options
):
    dropout = options.pop("dropout", 0.0)
    lora = t2l.LoraConfig(targets, rank, alpha, dropout=dropout)
    fields = dict(data=rows(tiny, by), batch=5, epochs=3, learning_rate=1e-2, seed=by)
    return Job(name=name, lora=lora, **(fields | options))


def different(tiny) -> list[Job]:
    """Jobs that differ in everything that a job can choose."""
    layer = r"model\.layers\.1\.self_attn\.(q|k)_proj"
    return [
        job(tiny, "plain", 2),
        job(tiny, "wide", 3, rank=8, alpha=16.0, schedule="linear", weight_decay=0.1),
        job(tiny, "other-targets", 4, targets=("k_proj", "down_proj"), batch=3, clip_norm=0.05),
        job(tiny, "one-layer", 5, targets=layer, rank=2, alpha=2.0, schedule="constant"),
        job(tiny, "long", 6, rank=1, alpha=1.0, max_steps=11, warmup_fraction=0.3, clip_norm=None),
        job(tiny, "betas", 7, betas=(0.8, 0.95), learning_rate=3e-3, epochs=2),
    ]


def alone(tiny, job: Job, model) -> dict[str, torch.Tensor]:
    """Train a job with PEFT and torch; of ours are rows and initial weights alone."""
    return train_alone(job, model, read_data(job, tiny.tokenizer()).train)[0]


def trained(folder) -> dict[str, torch.Tensor]:
    """A PEFT folder's tensors by module path and part."""
    weights = t2l.LoraWeights.from_pretrained(folder)
    found = {}
    for m, paths in weights.paths.items():
        for i, path in enumerate(paths):
            found[f"{path}.lora_A"] = weights.lora_a[m][i]
            found[f"{path}.lora_B"] = weights.lora_b[m][i].T
    return found


@pytest.fixture
def multi(tiny, tmp_path):
    """The helpers above, for tests (with importlib mode a conftest can't be imported)."""

    def train(jobs, folder="run", *, model=None, tokenizer=None, resume=False, on_step=None, **o):
        tracking = o.pop("tracking", ())
        trainer = MultiLoraTrainer(
            tiny.taught() if model is None else model,
            tokenizer or tiny.tokenizer(),
            jobs,
            tmp_path / folder,
            MultiLoraConfig(**o),
            tracking=tracking,
        )
        return trainer.train(resume=resume, on_step=on_step)

    return SimpleNamespace(
        CHAT=CHAT,
        rows=lambda by=2: rows(tiny, by),
        job=lambda name, by=2, **options: job(tiny, name, by, **options),
        different=lambda: different(tiny),
        alone=lambda job, model: alone(tiny, job, model),
        trained=lambda name, folder="run": trained(tmp_path / folder / "adapters" / name),
        train=train,
        folder=tmp_path / "run",
    )
