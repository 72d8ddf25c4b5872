"""Training: what it changes, what it leaves alone, and that adapters follow descriptions."""

import json
import math

import pytest
import torch

import t2l_fast.train.data.collator as data
from t2l_fast.adapters import Adapters, DeferredBatch, attach
from t2l_fast.errors import ConfigError, SiteNotFound
from t2l_fast.generators import MultiTaskLora, Zhyper, ZhyperConfig
from t2l_fast.tasks import JUNK, Prompt
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.packing import collate
from t2l_fast.train.model.losses import answer_loss, generated_l2, label_logits
from t2l_fast.train.sft.sampler import Sampler

LEARNING = dict(
    steps=100,
    tasks_per_batch=2,
    examples_per_task=8,
    learning_rate=3e-3,
    trunk_learning_rate=None,
    eval_every=100,
    eval_examples=12,
    save_every=100,
)


def says(tiny, letters: str) -> list:
    """A task for each letter, which answers every input with it."""
    return [tiny.task(f"say/{to}", dict.fromkeys(tiny.letters, to)) for to in letters]


def test_steps_lower_the_loss(runs, tiny, trainer):
    made = trainer(model=tiny.taught(), tasks=says(tiny, "cj"), **LEARNING)
    made.train()
    losses = [line["loss"] for line in runs.metrics(made.folder)]
    assert len(losses) == 100
    assert sum(losses[-5:]) < 0.2 * sum(losses[:5])


@pytest.mark.parametrize("arch", ["L", "M", "S"])
@pytest.mark.parametrize("start", ["plain", "conditioned"])
def test_gradients_reach_every_generator_parameter_and_none_of_the_model(
    tiny, trainer, arch, start
):
    """Zero head weights stop what comes before them in the very first step only."""
    model = tiny.model()
    generator = tiny.generator(model, arch=arch)
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    made = trainer(generator=generator, model=model, weight_decay=0.0, eval_every=0, start=start)
    made.train()
    moved = [p for group in made.optimizer.adamw.param_groups for p in group["params"]]
    assert len(moved) == len(before)
    assert all(made.optimizer.adamw.state[p]["exp_avg_sq"].any() for p in moved)
    assert [n for n, p in generator.named_parameters() if torch.equal(p, before[n])] == []
    assert all(p.grad is None for p in model.parameters())


def test_the_gradient_is_that_of_one_backward_through_everything(
    runs, tiny, trainer, tasks, monkeypatch
):
    """Cutting the graph between adapters and generator, and micro-batches, change no number."""
    options = dict(label_smoothing=0.1, generated_l2=0.5, mix_descriptions=False, start="plain")
    found = []
    for name, packs, overhead, again in (
        ("packed", True, 0, False),
        ("cut", False, 0, False),
        ("whole", False, 1000, False),
        ("packed, recomputed", True, 0, True),
        ("cut, recomputed", False, 0, True),
    ):
        monkeypatch.setattr(data, "packable", lambda model, packs=packs: packs)
        model = tiny.model()
        generator = tiny.generator(model, dropout=0.0)
        once = dict(steps=1, clip_norm=1e9, eval_every=0, bucket_overhead=overhead)
        made = trainer(
            name, model=model, generator=generator, recompute_weights=again, **once, **options
        )
        made.train()
        found += runs.metrics(made.folder)

    model = tiny.model()
    generator = tiny.generator(model, dropout=0.0)
    collator = Collator(Prompt(tiny.tokenizer()))
    draws = Sampler(tasks, runs.config(**options)).draw(0)
    rows = [collator.row(slot, e) for slot, draw in enumerate(draws) for e in draw.examples]
    batch = collate(rows, collator.pad)
    texts = [tasks[draw.task].descriptions[draw.descriptions[0]] for draw in draws]
    whole = generator(generator.encode(texts))
    with attach(model, generator.config.lora, num_slots=0).use(batch.slots, weights=whole):
        logits, labels = label_logits(model, batch)
    loss = answer_loss(logits, batch, labels, 0.1) / len(rows)
    (loss + 0.5 * generated_l2(whole)).backward()
    norms = [p.grad.norm() for p in generator.parameters() if p.grad is not None]
    for line in found:
        assert line["loss"] == pytest.approx(loss.item(), rel=1e-4)
        assert line["l2"] == pytest.approx(0.5 * generated_l2(whole).item(), rel=1e-4)
        assert line["gradient_norm"] == pytest.approx(torch.stack(norms).norm().item(), rel=1e-3)


def zhyper(tiny, modulation: str) -> Zhyper:
    model, encoder = tiny.model(), tiny.encoder()
    shape = dict(latent_size=16, head_in_size=32, task_embedding_size=encoder.dim)
    lora = tiny.generator(model).config.lora
    config = ZhyperConfig.for_model(model, lora=lora, modulation=modulation, **shape)
    torch.manual_seed(0)
    return Zhyper(config, encoder=encoder)


@pytest.mark.parametrize("arch", ["L", "M", "S", "diagonal", "full"])
def test_recomputed_weights_give_every_parameter_the_same_gradient(tiny, trainer, arch):
    """Of Text-to-LoRA's architectures, and of Zhyper's."""
    found = []
    for again in (False, True):
        small = tiny.generator(tiny.model(), arch=arch) if len(arch) == 1 else zhyper(tiny, arch)
        made = trainer(
            str(again),
            generator=small.double(),
            model=tiny.model().double(),
            generated_l2=0.5,
            start="plain",
            recompute_weights=again,
        )
        for head in made.generator.heads.values():
            torch.nn.init.normal_(head.weight, std=0.1, generator=torch.Generator().manual_seed(1))
        made.codes.embeddings = [rows.double() for rows in made.codes.embeddings]
        torch.manual_seed(0)  # of the trunk's dropout
        with made.attached() as adapters:
            made.generator.train()
            made.backward(adapters, made.preparation.step(0))
        found.append({name: p.grad for name, p in made.generator.named_parameters()})
    for name, expected in found[0].items():
        torch.testing.assert_close(found[1][name], expected, rtol=1e-5, atol=1e-10)


def test_recomputed_weights_reach_the_model_as_a_function(tiny, trainer, monkeypatch):
    seen = []
    made = trainer(recompute_weights=True, steps=1, eval_every=0)
    real = Adapters.use

    def watched(self, slots, *, weights=None, repeat=1):
        seen.append(type(weights))
        return real(self, slots, weights=weights, repeat=repeat)

    monkeypatch.setattr(Adapters, "use", watched)
    made.train()
    assert set(seen) == {DeferredBatch}


@pytest.mark.parametrize("arch", ["L", "S"])
def test_whole_runs_that_recompute_give_the_same_generator(tiny, trainer, arch):
    found = []
    for again in (False, True):
        generator = tiny.generator(tiny.model(), arch=arch)
        made = trainer(str(again), generator=generator, recompute_weights=again)
        made.train()
        found.append(made.generator.state_dict())
    for name, expected in found[0].items():
        torch.testing.assert_close(found[1][name], expected, rtol=1e-3, atol=1e-4)


def test_a_run_may_be_resumed_in_less_memory(runs, trainer):
    cut = trainer("cut")
    with pytest.raises(runs.Interrupted):
        cut.train(on_step=runs.interrupt_at(3))
    again = trainer("cut", recompute_weights=True)
    again.train(resume=True)
    assert again.step == runs.STEPS


def test_recomputing_needs_a_generator_that_works_layer_by_layer(tiny, trainer):
    lora = MultiTaskLora(tiny.generator(tiny.model()).config)
    with pytest.raises(
        ConfigError, match="recompute_weights needs a generator that makes adapters layer"
    ):
        trainer(generator=lora, recompute_weights=True)


@pytest.mark.parametrize("stop", [None, 3], ids=["finished", "after an exception"])
def test_the_model_is_left_as_it_was(runs, tiny, trainer, stop):
    model = tiny.model()
    model.model.embed_tokens.weight.requires_grad_(False)
    before, parts = tiny.state(model), tiny.parts(model)
    made = trainer(model=model)
    if stop is None:
        made.train()
    else:
        with pytest.raises(runs.Interrupted):
            made.train(on_step=runs.interrupt_at(stop))
    assert [n for n, t in model.state_dict().items() if not torch.equal(t, before[n])] == []
    assert tiny.parts(model) == parts
    assert not made.generator.training


def test_a_model_that_lacks_the_target_modules_is_left_as_it_was(tiny, trainer):
    model = tiny.model()
    generator = tiny.generator(model)
    other = torch.nn.ModuleDict({"lm": torch.nn.Linear(2, 2)})
    parts = tiny.parts(other)
    made = trainer(model=other, generator=generator)
    with pytest.raises(SiteNotFound):
        made.train()
    assert tiny.parts(other) == parts
    assert not made.folder.exists()


def test_metrics_are_written_and_shown(runs, trainer, tasks):
    made = trainer(held_out={"other": tasks[:2]})
    shown = []
    made.train(on_step=shown.append)
    lines = [json.loads(text) for text in (made.folder / "metrics.jsonl").open()]
    assert lines == shown
    assert [line["step"] for line in lines] == [*range(1, runs.STEPS + 1)]
    assert [line["step"] for line in lines if "train_matched" in line] == [2, 4, 5]
    for line in lines:
        assert line["rows"] == 12
        assert all(math.isfinite(value) for value in line.values())
        parts = [v for k, v in line.items() if k.startswith("seconds_")]
        assert len(parts) == 5 and sum(parts) == pytest.approx(line["seconds"])
        assert line["tokens_per_second"] == pytest.approx(line["tokens"] / line["seconds"])
        assert line["peak_mb"] > 0 and min(parts) > 0
        shares = [v for k, v in line.items() if k.startswith(("train_", "other_"))]
        assert all(0 <= share <= 1 for share in shares)
    kinds = ("matched", "shuffled", "junk")
    assert {f"{split}_{kind}" for split in ("train", "other") for kind in kinds} <= {*lines[-1]}


@pytest.mark.parametrize("limit", [1, 3])
def test_not_more_is_evaluated_than_asked_for(trainer, limit):
    validator = trainer(eval_tasks=limit).validator
    assert len(validator.tasks["train"]) == limit


@pytest.mark.parametrize(
    ("start", "letters"), [("plain", "cj"), ("conditioned", "cjaebdfk")], ids=lambda value: value
)
def test_an_adapter_follows_its_description(runs, tiny, trainer, start, letters):
    """All inputs are shared, so that without the description one task at most can be right."""
    options = LEARNING | dict(
        start=start, tasks_per_batch=len(letters), examples_per_task=16 // len(letters)
    )
    made = trainer(model=tiny.taught(), tasks=says(tiny, letters), **options)
    made.train()
    last = runs.metrics(made.folder)[-1]
    assert last["train_matched"] > 0.9
    assert last["train_shuffled"] < 0.1
    if len(letters) > len(JUNK):  # the adapter of a junk text can be right for one task at most
        assert last["train_junk"] <= len(JUNK) / len(letters)


def test_one_adapter_for_all_scores_alike_with_any_description(runs, tiny, trainer):
    model = tiny.taught()
    lora = MultiTaskLora(tiny.generator(model).config)
    made = trainer(model=model, generator=lora, tasks=says(tiny, "cj"), **LEARNING)
    made.train()
    last = runs.metrics(made.folder)[-1]
    assert last["loss"] < 0.5 * runs.metrics(made.folder)[0]["loss"]
    assert last["train_matched"] == last["train_shuffled"] == last["train_junk"] <= 0.5
