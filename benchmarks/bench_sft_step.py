"""One training step, beside the same loop padded, with all logits and a generation per sample."""

import tempfile

import pytest
import torch
from torch.nn.functional import cross_entropy

import t2l_fast as t2l
from t2l_fast.errors import ModelNotFound, TaskError
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.tasks import Prompt, load_suite
from t2l_fast.train import SFTConfig, SFTTrainer
from t2l_fast.train.codes import draw_codes
from t2l_fast.train.data import IGNORED, collate


class Embeddings:
    """Random embeddings: the encoder is not part of a step."""

    name, dim = "random", 384

    def encode(self, texts):
        return torch.randn(len(texts), self.dim, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("tasks_per_batch, examples", [(32, 2), (12, 4), (8, 8)])
def test_step_beside_the_plain_loop(paired, tasks_per_batch, examples):
    try:
        model, tokenizer = t2l.load_model("smollm2")
        tasks = load_suite().train
    except (ModelNotFound, TaskError) as error:
        pytest.skip(str(error))
    model.set_attn_implementation("eager")  # as `t2l train` does on a CPU; for both
    lora = t2l.LoraConfig(("q_proj", "v_proj"), rank=4, alpha=16, use_rslora=True)
    config = T2LConfig.for_model(
        model, lora=lora, task_embedding_size=384, head_in_size=384, dropout=0.0
    )
    generator = TextToLora(config, encoder=Embeddings())
    sft = SFTConfig(
        steps=1,
        tasks_per_batch=tasks_per_batch,
        examples_per_task=examples,
        generated_l2=0.0,
        start="plain",
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(generator, model, Prompt(tokenizer), tasks, sft, folder)
    draws = trainer.preparation.sampler.draw(0)
    rows = trainer.preparation.rows(draws)
    codes = draw_codes(trainer.embeddings, draws, 0.0)
    padded = collate(rows, tokenizer.pad_token_id)
    per_sample = torch.arange(len(rows))
    optimizer = torch.optim.AdamW(generator.parameters(), lr=0.0)

    def gradients():
        made = {name: p.grad.clone() for name, p in generator.named_parameters()}
        optimizer.step()
        optimizer.zero_grad()
        return made

    def ours():
        with trainer.attached() as adapters:
            trainer.backward(adapters, trainer.preparation.of(draws))
        return gradients()

    def plain():
        model.requires_grad_(False)
        adapters = t2l.attach(model, lora, num_slots=0)
        batch = generator(codes[[row.slot for row in rows]])
        with adapters.use(per_sample, weights=batch):
            logits = model(input_ids=padded.ids, use_cache=False).logits.float()
            losses = cross_entropy(
                logits.flatten(0, 1),
                padded.labels.flatten(),
                ignore_index=IGNORED,
                reduction="none",
            ).view_as(padded.labels)
            counts = (padded.labels != IGNORED).sum(1)
            (losses.sum(1) / counts).mean().backward()
        adapters.detach()
        return gradients()

    mine, theirs = ours(), plain()
    for name, gradient in theirs.items():
        torch.testing.assert_close(mine[name], gradient, rtol=2e-2, atol=2e-4, msg=name)
    times = paired.milliseconds({"ours": ours, "plain": plain}, rounds=3)
    faster = times["plain"] / times["ours"]
    paired.add(
        "SFT step beside padding to the longest, all-position logits, generation per sample",
        f"{tasks_per_batch} tasks × {examples} examples, SmolLM2-135M, L, h 384, r 4",
        "≥ 1.5× faster",
        f"{faster:.1f}× ({times['ours']:.0f} and {times['plain']:.0f} ms)",
        faster=faster,
        **times,
    )
