"""Train a generator on a Hugging Face data set: one task for every value of a column."""

import tempfile
from pathlib import Path

import datasets

import t2l_fast as t2l
from t2l_fast.tasks import Example, Prompt, Task
from t2l_fast.train import SFTConfig, SFTTrainer

DEFINITIONS = {
    "sum": "Add the two numbers.",
    "difference": "Take the second number from the first.",
    "larger": "Name the larger number.",
    "product": "Multiply the two numbers.",
}
RULES = {"sum": lambda a, b: a + b, "difference": lambda a, b: a - b, "larger": max}
RULES["product"] = lambda a, b: a * b


def write(folder: Path) -> None:
    """A stand-in for a data set from the hub: rows with a task, an input and an output."""
    pairs = [(a, b) for a in range(9, 5, -1) for b in range(2, 5)]
    rows = [
        {"task": name, "definition": DEFINITIONS[name], "input": f"{a} {b}", "output": f"{f(a, b)}"}
        for name, f in RULES.items()
        for a, b in pairs
    ]
    datasets.Dataset.from_list(rows).to_parquet(folder / "train.parquet")


def tasks_of(rows: datasets.Dataset) -> list[Task]:
    """One task per name, its last two rows held back to measure on."""
    tasks = []
    for name in rows.unique("task"):
        mine = rows.filter(lambda row, name=name: row["task"] == name)
        examples = tuple(Example(row["input"], row["output"]) for row in mine)
        definition = mine[0]["definition"]
        wordings = (definition, f"For every input: {definition}")
        tasks.append(Task(name, "numbers", wordings, (definition,), examples[:-2], examples[-2:]))
    return tasks


with tempfile.TemporaryDirectory() as scratch:
    write(Path(scratch))
    # any other data set: datasets.load_dataset("NAME", split="train")
    rows = datasets.load_dataset(
        "parquet",
        data_files=f"{scratch}/train.parquet",
        split="train",
        cache_dir=f"{scratch}/cache",
    )
    tasks = tasks_of(rows)
    print(f"{len(rows)} rows, {len(tasks)} tasks: {', '.join(task.name for task in tasks)}")

    model, tokenizer = t2l.load_model("smollm2")
    lora = t2l.LoraConfig(target_modules=["q_proj", "v_proj"], rank=4, alpha=8)
    config = t2l.T2LConfig.for_model(
        model, lora=lora, arch="M", latent_size=64, head_in_size=64, task_embedding_size=384,
        encoder="minilm", base_model="smollm2", prompt_template="{input} =",
    )  # fmt: skip
    trainer = SFTTrainer(
        t2l.TextToLora(config),
        model,
        Prompt(tokenizer, config.prompt_template),
        tasks,
        SFTConfig(steps=6, tasks_per_batch=4, examples_per_task=2, eval_every=6, eval_tasks=2,
                  eval_examples=2, save_every=6),
        Path(scratch) / "run",
    )  # fmt: skip
    trainer.train(on_step=lambda line: print("  ".join(
        f"{key} {value:.3g}" for key, value in line.items() if key in ("step", "loss")
    )))  # fmt: skip
    print("written:", ", ".join(sorted(path.name for path in (Path(scratch) / "run").iterdir())))
