"""Several adapters of your own and the base model in one batch.

Usage: 02_your_adapters.py [PEFT folder …]; without any, four random ones are written first.
"""

import sys
import tempfile
from pathlib import Path

import torch

import t2l_fast as t2l

model, tokenizer = t2l.load_model("smollm2")
config = t2l.LoraConfig(target_modules=["q_proj", "v_proj"], rank=8, alpha=16)
adapters = t2l.attach(model, config, num_slots=64)

folders = sys.argv[1:]
if not folders:  # no adapters at hand: write four with random weights
    scratch = Path(tempfile.mkdtemp())
    for i, weights in enumerate(t2l.LoraBatch.init(config, adapters.sites, 4)):
        for tensor in weights.lora_b.values():
            torch.nn.init.normal_(tensor.data, std=0.5)
        weights.save_pretrained(scratch / str(i))
    folders = [scratch / str(i) for i in range(4)]

ids = adapters.bank.register(weights=[t2l.LoraWeights.from_pretrained(d) for d in folders])
rows = [*ids, None]  # None: the base model
prompts = ["The capital of France is"] * len(rows)
batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")

with adapters.bank.lease(rows) as lease, adapters.use(lease):
    out = model.generate(**batch, max_new_tokens=12, do_sample=False)

for row, text in zip(rows, tokenizer.batch_decode(out, skip_special_tokens=True), strict=True):
    print(f"{row!s:>4}  {text!r}")
