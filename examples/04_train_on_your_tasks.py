"""Train a generator on tasks of your own, end to end through the frozen base model."""

import tempfile

import t2l_fast as t2l
from t2l_fast.tasks import Example, Prompt, Task
from t2l_fast.train import SFTConfig, SFTTrainer

WORDS = ["river", "house", "green", "seven", "cloud", "stone", "paper", "night"]
RULES = {
    "capitals": ("Write the word in capital letters.", str.upper),
    "backwards": ("Write the word backwards.", lambda word: word[::-1]),
    "first": ("Write the first letter of the word.", lambda word: word[0]),
    "twice": ("Write the word twice.", lambda word: f"{word} {word}"),
}


def task(name: str) -> Task:
    description, rule = RULES[name]
    examples = tuple(Example(word, rule(word)) for word in WORDS)
    return Task(
        name=name,
        family="words",
        descriptions=(description, f"Your job: {description[0].lower()}{description[1:]}"),
        eval_descriptions=(description,),
        train=examples[:6],
        validation=examples[6:],
    )


model, tokenizer = t2l.load_model("smollm2")
lora = t2l.LoraConfig(target_modules=["q_proj", "v_proj"], rank=4, alpha=8)
config = t2l.T2LConfig.for_model(
    model, lora=lora, arch="L", latent_size=64, head_in_size=64, task_embedding_size=384,
    encoder="minilm", base_model="smollm2", prompt_template="{input} →",
)  # fmt: skip
generator = t2l.TextToLora(config)
settings = SFTConfig(steps=8, tasks_per_batch=4, examples_per_task=2, eval_every=0, save_every=8)

with tempfile.TemporaryDirectory() as folder:
    trainer = SFTTrainer(
        generator,
        model,
        Prompt(tokenizer, config.prompt_template),
        [task(name) for name in RULES],
        settings,
        folder,
    )
    losses: list[float] = []
    trainer.train(on_step=lambda line: losses.append(line["loss"]))
print("loss by step:", " ".join(f"{loss:.2f}" for loss in losses))
print(f"a generator of {sum(p.numel() for p in generator.parameters()):,} parameters")
