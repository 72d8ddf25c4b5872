"""A sentence in, an adapter out: generate adapters and answer under each of them."""

import tempfile

import t2l_fast as t2l

DESCRIPTIONS = ["Write the plural of the noun.", "Write the word in capital letters."]

model, tokenizer = t2l.load_model("smollm2")
generator = t2l.TextToLora.from_pretrained("smollm2")
batch = generator.generate(DESCRIPTIONS)
size = sum(t.numel() for t in (*batch.lora_a.values(), *batch.lora_b.values()))
print(f"{len(batch)} adapters of {size // len(batch):,} numbers in one pass")

adapters = t2l.attach(model, generator.config.lora, num_slots=4, generator=generator)
rows = [*adapters.bank.register(weights=batch), None]  # None: the base model
prompt = generator.config.prompt_template.replace("{input}", "river")
inputs = tokenizer([prompt] * len(rows), return_tensors="pt")

with adapters.bank.lease(rows) as lease, adapters.use(lease):
    out = model.generate(**inputs, max_new_tokens=6, do_sample=False)

answers = tokenizer.batch_decode(out[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)
for text, answer in zip([*DESCRIPTIONS, "base model"], answers, strict=True):
    print(f"{text:<36} river → {answer.strip().splitlines()[:1]}")

with tempfile.TemporaryDirectory() as folder:  # a folder that peft reads too
    batch[0].save_pretrained(folder)
    again = t2l.LoraWeights.from_pretrained(folder)
    print(f"saved as a PEFT folder and read back: rank {again.config.rank}")
