"""Exact match of generated adapters beside the base model, on tasks of your own."""

import t2l_fast as t2l
from t2l_fast.evaluate import conditions, evaluate
from t2l_fast.tasks import Example, Prompt, Task

PLURALS = {"house": "houses", "box": "boxes", "city": "cities", "leaf": "leaves"}
CAPITALS = {word: word.upper() for word in ("river", "stone", "paper", "cloud")}


def task(name: str, description: str, pairs: dict[str, str]) -> Task:
    examples = tuple(Example(source, target) for source, target in pairs.items())
    return Task(name, name, (description,), (description,), (), examples)


tasks = [
    task("plural", "Write the plural of the noun.", PLURALS),
    task("capitals", "Write the word in capital letters.", CAPITALS),
]
model, tokenizer = t2l.load_model("smollm2")
generator = t2l.TextToLora.from_pretrained("smollm2")
report = evaluate(
    model,
    Prompt(tokenizer, generator.config.prompt_template),
    {"yours": tasks},
    conditions(generator),
    examples=4,
)
for name, splits in report.items():
    print(f"{name:<22} {splits['yours']['exact_match']:.2f} of {splits['yours']['rows']} rows")
