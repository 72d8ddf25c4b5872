"""One engine, a different generated adapter for every request; runs on a CPU in a minute."""

import t2l_fast as t2l
from t2l_fast.serve import Engine, EngineConfig, SamplingParams

REQUESTS = [
    ("Write the plural of the noun.", "house"),
    ("Write the word in capital letters.", "river"),
    ("Name the animal in the list.", "hammer, Berlin, otter, purple"),
    (None, "house"),  # the base model
]


def main() -> list[str]:
    model, tokenizer = t2l.load_model("smollm2")
    generator = t2l.TextToLora.from_pretrained("smollm2")
    adapters = t2l.attach(model, generator.config.lora, num_slots=8, generator=generator)
    texts = [text for text, _ in REQUESTS if text is not None]
    ids = dict(zip(texts, adapters.bank.register(texts=texts), strict=True))
    template = generator.config.prompt_template
    with Engine(model, tokenizer, adapters, EngineConfig(max_active=8)) as engine:
        tickets = [
            engine.submit(
                tokenizer(template.replace("{input}", source)).input_ids,
                adapter=ids.get(text),
                params=SamplingParams(max_tokens=12, stop=("\n",)),
            )
            for text, source in REQUESTS
        ]
        answers = [ticket.result().text.strip() for ticket in tickets]
    for (text, source), answer in zip(REQUESTS, answers, strict=True):
        print(f"{text or 'base model'} {source!r} → {answer!r}")
    return answers


if __name__ == "__main__":
    main()
