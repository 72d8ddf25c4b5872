"""L, M, S, reconstruction and SFT after it, and task LoRAs, all at one cost: exact match.

    python benchmarks/experiments/equal_cost/run.py runs/equal    # hours on 2 cores; resumes
    python benchmarks/experiments/equal_cost/run.py runs/equal --only bundled    # or other rows

The cost is rows through the base model, forward and backward: 500 steps of 96, which is 18 for each
of the suite's 2631 trained tasks. Reconstruction spends 10 of them on task LoRAs and costs nothing
more; SFT after it has the other 8. Task LoRAs alone ("oracles") are trained for the evaluated tasks
only, since each costs what it costs.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import t2l_fast as t2l
from t2l_fast.adapters import LoraWeights
from t2l_fast.evaluate import Condition, conditions, evaluate
from t2l_fast.tasks import COMPACT, Prompt, Task, load_suite
from t2l_fast.train import OracleConfig, keep_freed_memory, read_library, train_library
from t2l_fast.train.run.layout import CHECKPOINT

TASKS, EXAMPLES, SEED = 57, 3, 0
RESULT = Path(__file__).parents[2] / "results" / "equal_cost.json"
SFT = """--dtype bfloat16 --learning-rate 1e-3 --tasks-per-batch 96 --examples-per-task 1
    --code-noise 0.5 --eval-every 0""".split()
ORACLES = {f"oracles, {rows} rows of each task": rows // 2 for rows in (18, 88, 106)}
"""Steps of two rows. The bundled checkpoint had 106 of each trained task: 172 of 1064 tasks in its
runs on the smaller suite, then 720 (88, the one before it) and 800 steps of 64 rows on all."""
RUNS = ("L", "M", "S", "rec", "recsft")


def commands(folder: Path) -> dict[str, list[str]]:
    """What `t2l train` gets, by the folder that each run writes."""
    whole = [*SFT, "--steps", "500", "--code-noise-from", "250"]
    brief = ["--steps", "5", "--examples", "2", "--learning-rate", "5e-3"]
    rec = ["--head-in-size", "384", "--steps", "600", "--tasks-per-batch", "64"]
    after = [*SFT, "--steps", "225", "--code-noise-from", "112"]
    return {
        **{arch: ["sft", str(folder / arch), "--arch", arch, *whole] for arch in "LMS"},
        "tasks": ["oracles", str(folder / "tasks"), "--dtype", "bfloat16", *brief]
        + ["--tasks-at-once", "48"],
        "rec": ["recon", str(folder / "rec"), "--library", str(folder / "tasks"), *rec]
        + ["--prompt", "compact"],
        "recsft": ["sft", str(folder / "recsft"), "--init", str(folder / "rec"), *after],
    }


def train(folder: Path, wanted: Sequence[str]) -> None:
    before = {"rec": ("tasks",), "recsft": ("tasks", "rec")}
    undone = [run for run in wanted if not (folder / run / "model.safetensors").exists()]
    needed = {name for run in undone for name in (*before.get(run, ()), run)}
    for name, arguments in commands(folder).items():
        done = folder / name / ("metrics.jsonl" if name == "tasks" else "model.safetensors")
        whole = done.exists() and (name != "tasks" or _has_all(folder / name))
        if whole or name not in needed:
            continue
        begun = (folder / name / CHECKPOINT).exists() or (
            folder / name / "library.safetensors"
        ).exists()
        more = ["--resume"] if begun else []
        subprocess.run(
            [sys.executable, "-m", "t2l_fast.cli", "train", *arguments, *more], check=True
        )


def _has_all(library: Path) -> bool:
    return len(read_library(library)) == len(load_suite().train)


def own(folder: Path, tasks: list[Task], steps: int) -> dict[str, LoraWeights]:
    """A LoRA for each of the tasks, trained for so many steps of two rows."""
    target = folder / f"oracles-{steps}"
    if not (target / "library.safetensors").exists():
        model, tokenizer = t2l.load_model("smollm2")
        model.set_attn_implementation("eager")
        lora = t2l.LoraConfig(("q_proj", "v_proj"), 4, 16.0, use_rslora=True)
        config = OracleConfig(steps, examples=2, tasks_at_once=len(tasks), learning_rate=2e-3)
        train_library(model, Prompt(tokenizer, COMPACT), tasks, lora, config, target)
    library = read_library(target)
    return dict(zip(library.names, library.adapters, strict=True))


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("folder", type=Path, help="of the runs")
    every = [*RUNS, "bundled", *ORACLES]
    options.add_argument(
        "--only", action="append", choices=every, help="rows to measure again; repeatable"
    )
    given = options.parse_args()
    folder, wanted = given.folder, given.only or every
    keep_freed_memory()
    train(folder, [name for name in RUNS if name in wanted])
    rng, known = random.Random(SEED), load_suite().splits  # as `t2l eval --max-tasks` draws
    splits = {n: tuple(rng.sample(list(known[n]), TASKS)) for n in ("train", "held_out")}
    seen = {"train": splits["train"]}
    model, tokenizer = t2l.load_model("smollm2")
    prompt = Prompt(tokenizer, COMPACT)
    before = json.loads(RESULT.read_text())["rows"] if RESULT.exists() else {}
    rows = {name: row for name, row in before.items() if name in every}
    runs = {name: folder / name for name in RUNS} | {"bundled": "smollm2"}
    for name in (n for n in runs if n in wanted):
        generator = t2l.TextToLora.from_pretrained(runs[name])
        asked = [c for c in conditions(generator) if c.generator and c.descriptions != "junk"]
        found = evaluate(model, prompt, splits, asked, examples=EXAMPLES, seed=SEED)
        rows[name] = {
            f"{split}, {kind}": found[f"generated, {kind}"][split]["exact_match"]
            for split in splits
            for kind in ("matched", "shuffled")
        } | {"parameters": generator.config.num_parameters()}
        print(name, rows[name], flush=True)
    for name in (n for n in ORACLES if n in wanted):
        adapters = own(folder, list(splits["train"]), ORACLES[name])
        found = evaluate(model, prompt, seen, [Condition(name, own=adapters)], examples=EXAMPLES)
        rows[name] = {"train, matched": found[name]["train"]["exact_match"]}
        print(name, rows[name], flush=True)
    shape = f"{TASKS} tasks × {EXAMPLES} examples a split, SmolLM2-135M, q and v, r 4, greedy"
    RESULT.write_text(json.dumps({"shape": shape, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
