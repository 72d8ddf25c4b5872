"""What a generator could do with the right code: codes fitted to examples beside those of texts.

    python benchmarks/best_codes.py [GENERATOR]     # 5 minutes on 2 cores

The generator is frozen. Every task starts at the code of an evaluation description, and its 384
numbers alone are trained on the task's training examples (as textual inversion trains a word's
embedding; Gal et al. 2022, 2208.01618). Exact match on unseen inputs then says whether a generator
that falls short lacks the adapter, or the way to it from words.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import torch

import t2l_fast as t2l
from t2l_fast.adapters import LoraBatch, LoraWeights
from t2l_fast.evaluate import Condition, evaluate
from t2l_fast.tasks import COMPACT, Prompt, Task, load_suite
from t2l_fast.train import keep_freed_memory
from t2l_fast.train.data import Collator
from t2l_fast.train.frozen import frozen
from t2l_fast.train.losses import answer_loss, label_logits

TASKS, EXAMPLES, SEED = 57, 3, 0
STEPS, ROWS, LEARNING_RATE = 24, 2, 0.05
RESULT = Path(__file__).parent / "results" / "best_codes.json"


def best_codes(generator, model, collator, tasks: list[Task]) -> tuple[LoraBatch, list[float]]:
    """Adapters `[N]` of fitted codes, and the loss of every step."""
    start = generator.encode([task.eval_descriptions[0] for task in tasks])
    codes = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([codes], lr=LEARNING_RATE)
    draws = [random.Random(f"{SEED}/code/{task.name}") for task in tasks]
    losses = []
    with frozen(model, generator.config.lora, packed=collator.packed) as adapters:
        for _ in range(STEPS):
            rows = [
                collator.row(slot, example)
                for slot, (task, rng) in enumerate(zip(tasks, draws, strict=True))
                for example in rng.sample(task.train, ROWS)
            ]
            made = generator(codes)
            total = 0.0
            for micro in collator.batches(rows):
                with adapters.use(micro.slots, weights=made):
                    logits, labels = label_logits(model, micro)
                    loss = answer_loss(logits, micro, labels, 0.0)
                    loss.backward(retain_graph=True)
                total += loss.item() / len(rows)
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad():  # codes of texts are all of one length
                codes.mul_(start.norm(dim=1, keepdim=True) / codes.norm(dim=1, keepdim=True))
            losses.append(total)
    return generator.generate(codes=codes.detach()), losses


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("generator", nargs="?", default="smollm2")
    generator = t2l.TextToLora.from_pretrained(options.parse_args().generator).requires_grad_(False)
    keep_freed_memory()
    rng, known = random.Random(SEED), load_suite().splits  # as `t2l eval --max-tasks` draws
    splits = {n: rng.sample(list(known[n]), TASKS) for n in ("train", "held_out")}
    model, tokenizer = t2l.load_model("smollm2")
    prompt, found = Prompt(tokenizer, COMPACT), {}
    for split, tasks in splits.items():
        made, losses = best_codes(generator, model, Collator(prompt, packed=True), tasks)
        adapters: dict[str, LoraWeights] = dict(zip([t.name for t in tasks], made, strict=True))
        rivals = [Condition("texts", generator=generator), Condition("codes", own=adapters)]
        scores = evaluate(model, prompt, {split: tasks}, rivals, examples=EXAMPLES, seed=SEED)
        found[split] = {name: by_split[split]["exact_match"] for name, by_split in scores.items()}
        found[split] |= {"first loss": losses[0], "last loss": sum(losses[-5:]) / 5}
        print(split, found[split], flush=True)
    shape = f"{TASKS} tasks × {EXAMPLES} examples a split, {STEPS} steps × {ROWS} rows a task"
    RESULT.write_text(json.dumps({"shape": shape, "splits": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
