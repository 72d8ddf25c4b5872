"""What a generator could do with the right code: codes fitted to examples beside those of texts.

    python benchmarks/experiments/best_codes/run.py [GENERATOR]     # 10 minutes on 2 cores

The generator is frozen. Every task starts at the code of an evaluation description, and its numbers
alone are trained (`fit_codes`): on 8 of the task's training examples, as many as a user may have at
hand, and on all. Exact match on unseen inputs then says whether a generator that falls short lacks
the adapter, or the way to it from words.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import t2l_fast as t2l
from t2l_fast.adapters import LoraWeights
from t2l_fast.evaluate import Condition, evaluate
from t2l_fast.tasks import COMPACT, Example, Prompt, load_suite
from t2l_fast.train import FitConfig, fit_codes, keep_freed_memory

TASKS, EXAMPLES, SEED = 57, 3, 0
AT_HAND = {"codes of 8 examples": 8, "codes of all examples": None}
CONFIG = FitConfig()
RESULT = Path(__file__).parents[2] / "results" / "best_codes.json"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("generator", nargs="?", default="smollm2")
    generator = t2l.TextToLora.from_pretrained(options.parse_args().generator)
    keep_freed_memory()
    rng, known = random.Random(SEED), load_suite().splits  # as `t2l eval --max-tasks` draws
    splits = {n: rng.sample(list(known[n]), TASKS) for n in ("train", "held_out")}
    model, tokenizer = t2l.load_model("smollm2")
    prompt, found = Prompt(tokenizer, COMPACT), {}
    for split, tasks in splits.items():
        start = generator.encode([task.eval_descriptions[0] for task in tasks])
        rivals, losses = [Condition("texts", generator=generator)], {}
        for name, count in AT_HAND.items():
            known = [some(task.train, count, task.name) for task in tasks]
            lines: list[dict] = []
            codes = fit_codes(generator, model, prompt, known, start, CONFIG, on_step=lines.append)
            made = generator.generate(codes=codes)
            own: dict[str, LoraWeights] = dict(zip([t.name for t in tasks], made, strict=True))
            rivals.append(Condition(name, own=own))
            losses[name] = [lines[0]["loss"], sum(line["loss"] for line in lines[-5:]) / 5]
        scores = evaluate(model, prompt, {split: tasks}, rivals, examples=EXAMPLES, seed=SEED)
        found[split] = {name: by_split[split]["exact_match"] for name, by_split in scores.items()}
        found[split] |= {"first and last loss": losses}
        print(split, found[split], flush=True)
    shape = (
        f"{TASKS} tasks × {EXAMPLES} examples a split, {CONFIG.steps} steps × {CONFIG.rows} rows"
    )
    RESULT.write_text(json.dumps({"shape": shape, "splits": found}, indent=1) + "\n")


def some(examples: tuple[Example, ...], count: int | None, name: str) -> list[Example]:
    if count is None:
        return list(examples)
    return random.Random(f"{SEED}/at hand/{name}").sample(examples, min(count, len(examples)))


if __name__ == "__main__":
    main()
