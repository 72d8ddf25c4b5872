"""Train sixteen LoRA adapters in one step, then answer with all of them in one batch."""

import tempfile

import t2l_fast as t2l
from t2l_fast.tasks import COMPACT, Prompt, answer
from t2l_fast.train import Job, MultiLoraConfig, MultiLoraTrainer

WORDS = ["river", "house", "green", "seven", "cloud", "stone", "paper"]
RULES = {
    "capitals": str.upper,
    "title": str.title,
    "first": lambda word: word[0],
    "last": lambda word: word[-1],
    "twice": lambda word: f"{word} {word}",
    "plural": lambda word: f"{word}s",
    "loud": lambda word: f"{word}!",
    "asked": lambda word: f"{word}?",
    "quoted": lambda word: f"'{word}'",
    "comma": lambda word: f"{word}, {word}",
    "article": lambda word: f"the {word}",
    "my": lambda word: f"my {word}",
    "no": lambda word: f"no {word}",
    "and": lambda word: f"{word} and {word}",
    "length": lambda word: str(len(word)),
    "yes": lambda word: "yes",
}


def job(name: str) -> Job:
    """Return a job; every second one has another rank and other targets."""
    rows = [
        {"prompt": COMPACT.replace("{input}", word), "completion": f" {RULES[name](word)}"}
        for word in WORDS[:6]
    ]
    even = len(name) % 2 == 0
    lora = t2l.LoraConfig(
        target_modules=["q_proj", "v_proj"] if even else ["v_proj", "o_proj", "down_proj"],
        rank=4 if even else 8,
        alpha=16,
    )
    return Job(name, rows, lora, batch=3, epochs=3, learning_rate=5e-3, schedule="linear")


model, tokenizer = t2l.load_model("smollm2")
with tempfile.TemporaryDirectory() as folder:
    trainer = MultiLoraTrainer(
        model, tokenizer, [job(name) for name in RULES], folder, MultiLoraConfig(slots=16)
    )
    results = trainer.train(
        on_step=lambda line: print(
            f"round {line['round']}: {line['running']} jobs, loss {line['loss']:.2f}, "
            f"{line['tokens_per_second']:.0f} tokens/s"
        )
    )
    trained = [t2l.LoraWeights.from_pretrained(f"{folder}/adapters/{name}") for name in results]

every = t2l.LoraConfig(["q_proj", "v_proj", "o_proj", "down_proj"], rank=8, alpha=16)
adapters = t2l.attach(model, every, num_slots=16)
ids = adapters.bank.register(weights=trained, names=list(results))
with adapters.bank.lease(ids) as lease, adapters.use(lease):
    prompt = Prompt(tokenizer)
    answers = answer(model, prompt, [WORDS[-1]] * len(ids), max_new_tokens=8)
right = 0
for name, text in zip(results, answers, strict=True):
    expected = RULES[name](WORDS[-1])
    right += text == expected
    print(f"{name:>9}: {WORDS[-1]} → {text}")
print(f"16 adapters trained at once; {right} answer a new word as their rule does")
