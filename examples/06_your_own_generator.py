"""A generator of your own: one class and one registration; then it loads and serves as any."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

import t2l_fast as t2l
from t2l_fast.generators.base import Generator, GeneratorConfig
from t2l_fast.generators.registry import AutoGenerator, register

VOCABULARY = 256


@dataclass(frozen=True)
class LettersConfig(GeneratorConfig):
    kind: ClassVar[str] = "letters"
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    lora: t2l.LoraConfig
    base_model: str | None = None
    encoder: str | None = None
    module_paths: Mapping[str, tuple[str, ...]] | None = None
    task_names: tuple[str, ...] = ()
    prompt_template: str | None = None

    def __post_init__(self) -> None:
        self._check_shapes()


class Letters(Generator):
    """Counts the letters of a description, and maps the counts to A and B by one linear each."""

    kind: ClassVar[str] = "letters"
    condition: ClassVar[str] = "text"
    code_shape = (VOCABULARY,)

    def __init__(self, config: LettersConfig) -> None:
        super().__init__()
        self.config = config
        layers, rank = config.num_layers, config.lora.rank
        self.heads = nn.ModuleDict()
        for m, sizes in config.module_shapes.items():
            made = [nn.Linear(VOCABULARY, layers * rank * size, bias=False) for size in sizes]
            self.heads[m] = nn.ModuleList(made)

    @property
    def fingerprint(self) -> str:
        total = sum(float(p.detach().double().abs().sum()) for p in self.parameters())
        return f"letters-{total:.12e}"

    def encode(self, conditions) -> torch.Tensor:
        counts = [torch.tensor(list(text.encode())).bincount(minlength=VOCABULARY)
                  for text in conditions]  # fmt: skip
        return nn.functional.normalize(torch.stack(counts).float())

    def adapters(self, latents: torch.Tensor) -> t2l.LoraBatch:
        shape = (len(latents), self.config.num_layers, self.config.lora.rank, -1)
        sides = [
            {m: pair[side](latents).view(shape).transpose(0, 1) for m, pair in self.heads.items()}
            for side in (0, 1)
        ]
        return t2l.LoraBatch(self.config.lora, *sides, self.config.module_paths)

    def save_pretrained(self, folder, *, dtype=None, state=None) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        plain = {"kind": self.kind, **self.config.to_dict()}
        (Path(folder) / "config.json").write_text(json.dumps(plain))
        save_file(dict(state or self.state_dict()), Path(folder) / "model.safetensors")

    @classmethod
    def from_pretrained(cls, name, *, encoder=None, **options) -> "Letters":
        plain = json.loads((Path(name) / "config.json").read_text())
        plain.pop("kind")
        made = cls(LettersConfig.from_dict(plain))
        made.load_state_dict(load_file(Path(name) / "model.safetensors"))
        return made.eval()


register(kind="letters", config=LettersConfig, model=Letters, summary="Letters to LoRA.")

model, tokenizer = t2l.load_model("smollm2")
lora = t2l.LoraConfig(target_modules=["q_proj"], rank=2, alpha=512)
torch.manual_seed(0)
own = Letters(LettersConfig.for_model(model, lora=lora, base_model="smollm2"))
with tempfile.TemporaryDirectory() as folder:
    own.save_pretrained(folder)
    generator = AutoGenerator.from_pretrained(folder)
print(f"loaded {generator.kind}, {sum(p.numel() for p in generator.parameters()):,} parameters")
assert generator.fingerprint == own.fingerprint

adapters = t2l.attach(model, lora, num_slots=4, generator=generator)
rows = [*adapters.bank.register(texts=["Answer as a poet.", "Answer as a lawyer."]), None]
inputs = tokenizer(["The capital of France is"] * len(rows), return_tensors="pt")
with adapters.bank.lease(rows) as lease, adapters.use(lease):
    out = model.generate(**inputs, max_new_tokens=8, do_sample=False)
for row, text in zip(rows, tokenizer.batch_decode(out, skip_special_tokens=True), strict=True):
    print(f"{row!s:>4}  {text!r}")
