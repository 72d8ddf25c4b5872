"""The demonstration: train 8 adapters in one batch, then serve them in one batch, beside PEFT."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from t2l_fast.adapters import Adapters, LoraBatch, LoraWeights, attach
from t2l_fast.config import LoraConfig
from t2l_fast.models import SMOLLM2, describe, load_model

TASKS = {
    "capital": "France Paris, Italy Rome, Japan Tokyo, Spain Madrid, Egypt Cairo, Russia Moscow, "
    "Greece Athens, Cuba Havana, Kenya Nairobi, Norway Oslo, Austria Vienna, Portugal Lisbon",
    "plural": "cat cats, box boxes, city cities, dog dogs, glass glasses, baby babies, tree trees, "
    "bus buses, lady ladies, book books, dish dishes, story stories",
    "antonym": "hot cold, big small, up down, fast slow, happy sad, light dark, rich poor, "
    "open closed, early late, strong weak, new old, wet dry",
    "first letter": "cat c, house h, tree t, moon m, river r, apple a, door d, king k, sun s, "
    "lamp l, bird b, fish f",
    "upper case": "cat CAT, house HOUSE, tree TREE, moon MOON, river RIVER, apple APPLE, door "
    "DOOR, "
    "king KING, sun SUN, lamp LAMP, bird BIRD, fish FISH",
    "past tense": "go went, see saw, walk walked, eat ate, run ran, play played, take took, "
    "write wrote, come came, look looked, find found, give gave",
    "French": "cat chat, house maison, tree arbre, moon lune, river rivière, apple pomme, "
    "door porte, king roi, sun soleil, lamp lampe, bird oiseau, fish poisson",
    "digits": "one 1, two 2, three 3, four 4, five 5, six 6, eight 8, nine 9, ten 10, twelve 12, "
    "twenty 20, eleven 11",
}
UNSEEN = {
    "capital": ("Germany", "Berlin"),
    "plural": ("party", "parties"),
    "antonym": ("tall", "short"),
    "first letter": ("garden", "g"),
    "upper case": ("garden", "GARDEN"),
    "past tense": ("make", "made"),
    "French": ("dog", "chien"),
    "digits": ("seven", "7"),
}
EXAMPLES_PER_STEP = 2
NEW_TOKENS = 6


@dataclass(frozen=True)
class Answers:
    """One answer per prompt, the logits after it `[8, vocabulary]`, and the seconds taken."""

    texts: list[str]
    logits: Tensor
    seconds: float


def run(console: Console, *, steps: int, seed: int) -> None:
    """Train, answer, compare and print."""
    torch.manual_seed(seed)
    console.print(f"Base model: {describe(SMOLLM2)}, CPU, fp32")
    model, tokenizer = load_model(SMOLLM2)
    model.requires_grad_(False)
    config = LoraConfig(target_modules=("q_proj", "v_proj"), rank=8, alpha=16)
    prompts = [_prompt(source) for source, _ in UNSEEN.values()]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name.replace(" ", "_") for name in TASKS]
        trainer = attach(model, config, num_slots=0)
        started = time.perf_counter()
        for weights, folder in zip(
            _train(model, tokenizer, trainer, steps, seed), folders, strict=True
        ):
            weights.save_pretrained(folder)
        seconds = time.perf_counter() - started
        trainer.detach()
        base = _generate(model, tokenizer, prompts)
        one_by_one = _with_peft(copy.deepcopy(model), tokenizer, prompts, folders)
        adapters = attach(model, config, num_slots=8)
        ids = adapters.bank.register(weights=[LoraWeights.from_pretrained(f) for f in folders])
        with adapters.bank.lease(ids) as lease, adapters.use(lease):
            mixed = _generate(model, tokenizer, prompts)
    _report(console, base, mixed, one_by_one, steps, seconds)


def _prompt(source: str) -> str:
    return f"Input: {source}\nOutput:"


def _train(model, tokenizer, adapters: Adapters, steps: int, seed: int) -> LoraBatch:
    """All 8 adapters at once: row i of every batch trains adapter slots[i] alone."""
    batch = LoraBatch.init(adapters.config, adapters.sites, len(TASKS), seed=seed)
    optimizer = torch.optim.AdamW(batch.parameters(), lr=4e-3, weight_decay=0.0)
    pairs = [[pair.rsplit(" ", 1) for pair in text.split(", ")] for text in TASKS.values()]
    slots = torch.arange(len(TASKS)).repeat_interleave(EXAMPLES_PER_STEP)
    order = torch.Generator().manual_seed(seed)
    for _ in track(range(steps), description="Training 8 adapters in one batch"):
        rows = [
            pairs[task][i]
            for task in range(len(TASKS))
            for i in torch.randperm(len(pairs[task]), generator=order)[:EXAMPLES_PER_STEP].tolist()
        ]
        inputs, labels = _encode(tokenizer, rows)
        with adapters.use(slots, weights=batch):
            loss = model(**inputs, labels=labels).loss
            loss.backward()
        torch.nn.utils.clip_grad_norm_(batch.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return batch


def _encode(tokenizer, rows: Sequence[Sequence[str]]) -> tuple[dict[str, Tensor], Tensor]:
    """Right-padded ids and labels; −100 everywhere but on the answers."""
    prompts = [tokenizer(_prompt(source)).input_ids for source, _ in rows]
    answers = [tokenizer(f" {target}\n").input_ids for _, target in rows]
    width = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        stop = len(prompt) + len(answer)
        ids[row, :stop] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : stop] = torch.tensor(answer)
        mask[row, :stop] = 1
    return {"input_ids": ids, "attention_mask": mask}, labels


@torch.no_grad()
def _generate(model, tokenizer, prompts: Sequence[str]) -> Answers:
    inputs = tokenizer(list(prompts), return_tensors="pt", padding=True, padding_side="left")
    started = time.perf_counter()
    out = model.generate(
        **inputs,
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        do_sample=False,
        return_dict_in_generate=True,
        output_logits=True,
        pad_token_id=tokenizer.pad_token_id,
    )
    seconds = time.perf_counter() - started
    new = out.sequences[:, inputs.input_ids.shape[1] :]
    texts = [
        t.strip().split("\n")[0] for t in tokenizer.batch_decode(new, skip_special_tokens=True)
    ]
    return Answers(texts, out.logits[0].float(), seconds)


def _with_peft(model, tokenizer, prompts: Sequence[str], folders: Sequence[Path]) -> Answers:
    import peft

    wrapped = peft.PeftModel.from_pretrained(model, folders[0], adapter_name=folders[0].name)
    for folder in folders[1:]:
        wrapped.load_adapter(folder, folder.name)
    wrapped.eval()
    answers = []
    for folder, prompt in zip(folders, prompts, strict=True):
        wrapped.set_adapter(folder.name)
        answers.append(_generate(wrapped, tokenizer, [prompt]))
    return Answers(
        [answer.texts[0] for answer in answers],
        torch.cat([answer.logits for answer in answers]),
        sum(answer.seconds for answer in answers),
    )


def _report(
    console: Console, base: Answers, mixed: Answers, peft: Answers, steps: int, seconds: float
) -> None:
    table = Table("adapter", "input", "base model", "one batch of 8", "PEFT, alone", "expected")
    for row, (task, (source, target)) in enumerate(UNSEEN.items()):
        table.add_row(task, source, base.texts[row], mixed.texts[row], peft.texts[row], target)
    console.print(table)
    agree = sum(a == b for a, b in zip(mixed.texts, peft.texts, strict=True))
    right = sum(a == t for a, (_, t) in zip(mixed.texts, UNSEEN.values(), strict=True))
    before = sum(a == t for a, (_, t) in zip(base.texts, UNSEEN.values(), strict=True))
    gap = (mixed.logits - peft.logits).abs().max().item()
    console.print(f"Trained {len(TASKS)} adapters together: {steps} steps in {seconds:.1f} s")
    console.print(
        f"Expected answers: {right} of {len(TASKS)} with adapters, {before} without "
        f"({describe(SMOLLM2)}; inputs unseen in training)"
    )
    console.print(
        f"Same answers as PEFT: {agree} of {len(TASKS)}; largest logit difference {gap:.1e}"
    )
    console.print(
        f"{NEW_TOKENS} tokens for each prompt: one batch {mixed.seconds:.2f} s, PEFT one at a time "
        f"{peft.seconds:.2f} s ({peft.seconds / mixed.seconds:.1f}×), base model alone "
        f"{base.seconds:.2f} s"
    )
