"""One training step, beside the loop as published, and beside that with our adapters' operators."""

import ctypes
import tempfile
from contextlib import contextmanager

import pytest
import torch
from torch.nn.functional import cross_entropy

import t2l_fast as t2l
from benchmarks.ops.bench_multi_lora import forget_peak, peak_bytes, published_hook
from t2l_fast.adapters import find_sites
from t2l_fast.errors import ModelNotFound, TaskError
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.tasks import Prompt, load_suite
from t2l_fast.train import SFTConfig, SFTTrainer
from t2l_fast.train.data.batches import IGNORED
from t2l_fast.train.data.packing import collate
from t2l_fast.train.sft.code_source import draw_codes


class Embeddings:
    """Random embeddings: the encoder is not part of a step."""

    name, dim = "random", 384

    def encode(self, texts):
        return torch.randn(len(texts), self.dim, generator=torch.Generator().manual_seed(0))


def module_by_module(generator, codes):
    """A and B of every sample, `[layers, N, rank, d]` by module: the trunk runs for each module."""
    config = generator.config
    layers, count, rank = config.num_layers, len(codes), config.lora.rank
    task = generator.task_encoder(codes)[None].expand(layers, -1, -1)
    depth = generator.layer_depth_encoder(torch.arange(layers))[:, None].expand(-1, count, -1)
    made = {}
    for index, (m, (size_in, size_out)) in enumerate(config.module_shapes.items()):
        kind = generator.layer_type_encoder(torch.tensor([index])).expand(layers, count, -1)
        u = generator.mlp1(generator.mixer(torch.cat((task, depth, kind), dim=-1)))
        rows = generator.heads[m](generator.mlp3(generator.mlp2(u)))
        a, b = rows.split((rank * size_in, rank * size_out), dim=-1)
        made[m] = a.unflatten(-1, (rank, size_in)), b.unflatten(-1, (rank, size_out))
    return made


@contextmanager
def copied_for_every_token(model, made, scaling):
    """The published training hooks at every site, one adapter a row."""
    handles = []
    for m, sites in find_sites(model, tuple(made)).items():
        for layer, site in enumerate(sites):
            a, b = (part[layer] for part in made[m])

            def hook(_, inputs, output, a=a, b=b):
                return published_hook(inputs[0], output, a, b, scaling)

            handles.append(model.get_submodule(site.path).register_forward_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


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
    codes = draw_codes(trainer.codes.embeddings, draws, 0.0)
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

    def loss_of_all_positions():
        logits = model(input_ids=padded.ids, use_cache=False).logits.float()
        losses = cross_entropy(
            logits.flatten(0, 1), padded.labels.flatten(), ignore_index=IGNORED, reduction="none"
        ).view_as(padded.labels)
        return (losses.sum(1) / (padded.labels != IGNORED).sum(1)).mean()

    def plain():
        model.requires_grad_(False)
        adapters = t2l.attach(model, lora, num_slots=0)
        batch = generator(codes[[row.slot for row in rows]])
        with adapters.use(per_sample, weights=batch):
            loss_of_all_positions().backward()
        adapters.detach()
        return gradients()

    def published():
        model.requires_grad_(False)
        made = module_by_module(generator, codes[[row.slot for row in rows]])
        with copied_for_every_token(model, made, lora.scaling):
            loss_of_all_positions().backward()
        return gradients()

    variants = {"ours": ours, "plain": plain, "published": published}
    expected, peaks = ours(), {}
    for name, step in variants.items():
        for parameter, gradient in step().items():
            torch.testing.assert_close(
                gradient, expected[parameter], rtol=2e-2, atol=2e-4, msg=f"{name} {parameter}"
            )
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # else freed heap would hide the peak
        before = forget_peak()
        step()
        peaks[name] = (peak_bytes() - before) / 1e6
    times = paired.milliseconds(variants, rounds=3)
    shape = f"{tasks_per_batch} tasks × {examples} examples, SmolLM2-135M, L, h 384, r 4"
    peers = {
        "published": "SFT step beside the published loop: padding, all-position logits, generation "
        "per sample and module, A and B copied for every token",
        "plain": "SFT step beside padding to the longest, all-position logits, generation per "
        "sample",
    }
    for name, what in peers.items():
        faster = times[name] / times["ours"]
        paired.add(
            what,
            shape,
            "≥ 1.5× faster",
            f"{faster:.1f}× ({times['ours']:.0f} and {times[name]:.0f} ms), extra peak memory "
            f"1/{peaks[name] / peaks['ours']:.1f} ({peaks['ours']:.0f} of {peaks[name]:.0f} MB)",
            faster=faster,
            ours=times["ours"],
            other=times[name],
            peak_ours=peaks["ours"],
            peak_other=peaks[name],
        )
