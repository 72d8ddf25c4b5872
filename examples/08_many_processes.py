"""Train with several processes: each step's tasks are divided among them.

The script starts itself twice. `torchrun --nproc-per-node 2 08_many_processes.py` does the same.
"""

import os
import subprocess
import sys
import tempfile

import t2l_fast as t2l
from t2l_fast.tasks import Example, Prompt, Task
from t2l_fast.train import SFTConfig, SFTTrainer, join

WORDS = ["river", "house", "green", "seven"]


def tasks() -> list[Task]:
    made = []
    for letter in "abcd":
        text = f"Write the letter {letter} after the word."
        examples = tuple(Example(word, f"{word} {letter}") for word in WORDS)
        wordings = (text, f"Repeat the word, then write {letter}.")
        made.append(Task(f"after/{letter}", "after", wordings, (text,), examples, examples[:1]))
    return made


def train(folder: str) -> None:
    processes = join()
    model, tokenizer = t2l.load_model("smollm2")
    lora = t2l.LoraConfig(target_modules=["v_proj"], rank=2, alpha=4)
    config = t2l.T2LConfig.for_model(
        model, lora=lora, arch="S", latent_size=32, head_in_size=32, task_embedding_size=384,
        encoder="minilm", base_model="smollm2", prompt_template="{input} →",
    )  # fmt: skip
    trainer = SFTTrainer(
        t2l.TextToLora(config),
        model,
        Prompt(tokenizer, config.prompt_template),
        tasks(),
        SFTConfig(steps=3, tasks_per_batch=4, examples_per_task=1, eval_every=0, save_every=3),
        folder,
        processes=processes,
    )
    losses: list[float] = []
    trainer.train(on_step=lambda line: losses.append(line["loss"]))
    if processes.main:
        print(f"{processes.count} processes, losses {' '.join(f'{x:.3f}' for x in losses)}")


if "RANK" in os.environ:  # one of the processes
    train(sys.argv[1] if len(sys.argv) > 1 else "run")
else:
    with tempfile.TemporaryDirectory() as scratch:
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        subprocess.run([*launch, "--nproc-per-node", "2", __file__, scratch], check=True)
