"""Training: what it changes, what it leaves alone, and that an interruption changes nothing."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file

import t2l_fast.train.sft as sft
from t2l_fast.adapters import attach
from t2l_fast.errors import CheckpointError, SiteNotFound
from t2l_fast.generators import MultiTaskLora
from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTConfig, SFTTrainer
from t2l_fast.train.checkpoint import FILE
from t2l_fast.train.data import Encoder, collate
from t2l_fast.train.losses import answer_loss, generated_l2, label_logits
from t2l_fast.train.sampler import Sampler

STEPS = 5
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


class Interrupted(Exception):
    pass


def config(**changes) -> SFTConfig:
    defaults = dict(
        steps=STEPS,
        tasks_per_batch=4,
        examples_per_task=3,
        learning_rate=1e-2,
        eval_every=2,
        eval_examples=2,
        save_every=2,
    )
    return SFTConfig(**(defaults | changes))


@pytest.fixture
def tasks(tiny):
    return [tiny.task(f"shift/{by}", tiny.shift(by)) for by in range(2, 8)]


@pytest.fixture
def trainer(tiny, tasks, tmp_path):
    """Makes trainers that are equal at the start, as another process would."""

    def make(folder="run", *, generator=None, model=None, tasks=tasks, held_out=None, **changes):
        model = model or tiny.model()
        return SFTTrainer(
            generator or tiny.generator(model),
            model,
            Prompt(tiny.tokenizer()),
            tasks,
            config(**changes),
            tmp_path / folder,
            held_out=held_out,
        )

    return make


def interrupt_at(step: int):
    def on_step(line):
        if line["step"] == step:
            raise Interrupted

    return on_step


def metrics(folder) -> list[dict]:
    lines = [json.loads(text) for text in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def assert_same_run(a, b) -> None:
    """Weights, moments, random state and metrics, bit by bit."""
    there, here = (load_file(trained.folder / FILE) for trained in (a, b))
    assert there.keys() == here.keys()
    assert any(name.startswith("optimizer.exp_avg_sq.") for name in there) and "rng" in there
    assert [name for name in there if not torch.equal(there[name], here[name])] == []
    ours, theirs = a.generator.state_dict(), b.generator.state_dict()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert metrics(a.folder) == metrics(b.folder)


def says(tiny, letters: str) -> list:
    """A task for each letter, which answers every input with it."""
    return [tiny.task(f"say/{to}", dict.fromkeys(tiny.letters, to)) for to in letters]


@pytest.fixture
def uninterrupted(trainer):
    made = trainer("whole")
    made.train()
    return made


def test_steps_lower_the_loss(tiny, trainer):
    made = trainer(model=tiny.taught(), tasks=says(tiny, "cj"), **LEARNING)
    made.train()
    losses = [line["loss"] for line in metrics(made.folder)]
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
    moved = [p for group in made.optimizer.param_groups for p in group["params"]]
    assert len(moved) == len(before)
    assert all(made.optimizer.state[p]["exp_avg_sq"].any() for p in moved)
    assert [n for n, p in generator.named_parameters() if torch.equal(p, before[n])] == []
    assert all(p.grad is None for p in model.parameters())


def test_the_gradient_is_that_of_one_backward_through_everything(tiny, trainer, tasks, monkeypatch):
    """Cutting the graph between adapters and generator, and micro-batches, change no number."""
    options = dict(label_smoothing=0.1, generated_l2=0.5, mix_descriptions=False, start="plain")
    found = []
    for name, packs, overhead in (("packed", True, 0), ("cut", False, 0), ("whole", False, 1000)):
        monkeypatch.setattr(sft, "packable", lambda model, packs=packs: packs)
        model = tiny.model()
        generator = tiny.generator(model, dropout=0.0)
        once = dict(steps=1, clip_norm=1e9, eval_every=0, bucket_overhead=overhead)
        made = trainer(name, model=model, generator=generator, **once, **options)
        made.train()
        found += metrics(made.folder)

    model = tiny.model()
    generator = tiny.generator(model, dropout=0.0)
    encoder = Encoder(Prompt(tiny.tokenizer()))
    draws = Sampler(tasks, config(**options)).draw(0)
    rows = [encoder.row(slot, e) for slot, draw in enumerate(draws) for e in draw.examples]
    batch = collate(rows, encoder.pad)
    texts = [tasks[draw.task].descriptions[draw.descriptions[0]] for draw in draws]
    whole = generator(generator.encode(texts))
    with attach(model, generator.config.lora, num_slots=0).use(batch.slots, weights=whole):
        logits, labels = label_logits(model, batch)
    loss = answer_loss(logits, batch, labels, 0.1) / len(rows)
    (loss + 0.5 * generated_l2(whole)).backward()
    norms = [p.grad.norm() for p in generator.parameters() if p.grad is not None]
    for line in found:
        assert line["loss"] == pytest.approx(loss.item(), rel=1e-4)
        assert line["gradient_norm"] == pytest.approx(torch.stack(norms).norm().item(), rel=1e-3)


@pytest.mark.parametrize("stop", [None, 3], ids=["finished", "after an exception"])
def test_the_model_is_left_as_it_was(tiny, trainer, stop):
    model = tiny.model()
    model.model.embed_tokens.weight.requires_grad_(False)
    before, parts = tiny.state(model), tiny.parts(model)
    made = trainer(model=model)
    if stop is None:
        made.train()
    else:
        with pytest.raises(Interrupted):
            made.train(on_step=interrupt_at(stop))
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


@pytest.mark.parametrize("stop", range(2, STEPS))
def test_a_resumed_run_equals_an_uninterrupted_one(trainer, uninterrupted, stop):
    """Saved every second step, so that some lines and steps are done again."""
    with pytest.raises(Interrupted):
        trainer().train(on_step=interrupt_at(stop))
    torch.manual_seed(1234)
    resumed = trainer()
    resumed.train(resume=True)
    assert resumed.step == STEPS
    assert_same_run(resumed, uninterrupted)


def test_a_run_with_noise_on_codes_resumes_too(trainer):
    noisy = dict(code_noise=0.5, code_noise_from=2)
    whole = trainer("whole", **noisy)
    whole.train()
    with pytest.raises(Interrupted):
        trainer(**noisy).train(on_step=interrupt_at(3))
    resumed = trainer(**noisy)
    resumed.train(resume=True)
    assert_same_run(resumed, whole)


def test_noise_moves_codes_on_their_sphere_from_its_first_step(trainer):
    plain, noisy = trainer("a"), trainer("b", code_noise=0.5, code_noise_from=2)
    for step in range(4):
        plain.step = noisy.step = step
        draws = plain.sampler.draw(step)
        clean, moved = plain.codes(draws), noisy.codes(draws)
        assert torch.equal(moved, noisy.codes(draws))
        assert torch.equal(clean, moved) == (step < 2)
        torch.testing.assert_close(clean.norm(dim=1), moved.norm(dim=1))


@pytest.mark.parametrize("after", [False, True], ids=["before saving", "after saving"])
def test_an_interruption_around_a_checkpoint_loses_no_line(
    trainer, uninterrupted, monkeypatch, after
):
    save = sft.save_run

    def broken(folder, step, *rest):
        if step < 4 or after:
            save(folder, step, *rest)
        if step == 4:
            raise Interrupted

    monkeypatch.setattr(sft, "save_run", broken)
    with pytest.raises(Interrupted):
        trainer().train()
    monkeypatch.undo()
    resumed = trainer()
    resumed.train(resume=True)
    assert_same_run(resumed, uninterrupted)


def test_a_torn_last_line_is_dropped(trainer, uninterrupted):
    with pytest.raises(Interrupted):
        trainer().train(on_step=interrupt_at(2))
    made = trainer()
    with (made.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    made.train(resume=True)
    assert_same_run(made, uninterrupted)


def test_a_finished_run_resumes_to_nothing(trainer, uninterrupted):
    again = trainer("whole")
    lines = []
    again.train(resume=True, on_step=lines.append)
    assert lines == []
    assert_same_run(again, uninterrupted)


def test_the_random_seed_outside_does_not_matter(trainer, uninterrupted):
    made = trainer()
    torch.manual_seed(1234)
    made.train()
    assert_same_run(made, uninterrupted)


def test_another_seed_gives_another_run(trainer, uninterrupted):
    made = trainer(seed=1)
    made.train()
    assert metrics(made.folder) != metrics(uninterrupted.folder)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (dict(learning_rate=0.5), "learning_rate: 0.01 there, 0.5 now"),
        (dict(steps=9), f"steps: {STEPS} there, 9 now"),
        (dict(mix_descriptions=False), "mix_descriptions: True there, False now"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_settings_are_named(trainer, uninterrupted, changes, named):
    made = trainer("whole", **changes)
    before = (made.folder / "metrics.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match="belongs to another run") as caught:
        made.train(resume=True)
    assert named in str(caught.value)
    assert "weight_decay" not in str(caught.value)
    assert (made.folder / "metrics.jsonl").read_bytes() == before


def test_other_tasks_are_named(trainer, uninterrupted, tasks):
    with pytest.raises(CheckpointError, match="tasks: "):
        trainer("whole", tasks=tasks[::-1]).train(resume=True)


def test_another_generator_is_named(tiny, trainer, uninterrupted):
    model = tiny.model()
    other = tiny.generator(model, dropout=0.5)
    with pytest.raises(CheckpointError, match="dropout: 0.05 there, 0.5 now"):
        trainer("whole", model=model, generator=other).train(resume=True)


def test_starting_over_a_run_is_refused_and_loses_nothing(trainer, uninterrupted):
    files = {path.name: path.read_bytes() for path in uninterrupted.folder.iterdir()}
    with pytest.raises(CheckpointError, match="holds a run already: resume it"):
        trainer("whole").train()
    assert {path.name: path.read_bytes() for path in uninterrupted.folder.iterdir()} == files


def test_nothing_to_resume(trainer):
    with pytest.raises(CheckpointError, match="no run to resume: .* start without --resume"):
        trainer().train(resume=True)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "foreign"])
def test_a_damaged_checkpoint_is_refused(trainer, uninterrupted, damage):
    from safetensors.torch import save

    path = uninterrupted.folder / FILE
    whole = path.read_bytes()
    damaged = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "text": b"not a checkpoint at all",
        "foreign": save({"x": torch.ones(2)}),
    }
    path.write_bytes(damaged[damage])
    made = trainer("whole")
    with pytest.raises(CheckpointError, match="can't be read"):
        made.train(resume=True)
    assert path.read_bytes() == damaged[damage]


def test_metrics_are_written_and_shown(trainer, tasks):
    made = trainer(held_out={"other": tasks[:2]})
    shown = []
    made.train(on_step=shown.append)
    lines = [json.loads(text) for text in (made.folder / "metrics.jsonl").open()]
    assert lines == shown
    assert [line["step"] for line in lines] == [*range(1, STEPS + 1)]
    assert [line["step"] for line in lines if "train_matched" in line] == [2, 4, 5]
    for line in lines:
        assert line["rows"] == 12
        assert all(math.isfinite(value) for value in line.values())
        shares = [v for k, v in line.items() if k.endswith(("_matched", "_shuffled"))]
        assert all(0 <= share <= 1 for share in shares)
    assert {"train_matched", "train_shuffled", "other_matched", "other_shuffled"} <= {*lines[-1]}


@pytest.mark.parametrize("limit", [1, 3])
def test_not_more_is_evaluated_than_asked_for(trainer, limit):
    validator = trainer(eval_tasks=limit).validator
    assert len(validator.tasks["train"]) == limit


@pytest.mark.parametrize(
    ("start", "letters"), [("plain", "cj"), ("conditioned", "cjaebdfk")], ids=lambda value: value
)
def test_an_adapter_follows_its_description(tiny, trainer, start, letters):
    """All inputs are shared, so that without the description one task at most can be right."""
    options = LEARNING | dict(
        start=start, tasks_per_batch=len(letters), examples_per_task=16 // len(letters)
    )
    made = trainer(model=tiny.taught(), tasks=says(tiny, letters), **options)
    made.train()
    last = metrics(made.folder)[-1]
    assert last["train_matched"] > 0.9
    assert last["train_shuffled"] < 0.1


def test_one_adapter_for_all_scores_alike_with_any_description(tiny, trainer):
    model = tiny.taught()
    lora = MultiTaskLora(tiny.generator(model).config)
    made = trainer(model=model, generator=lora, tasks=says(tiny, "cj"), **LEARNING)
    made.train()
    last = metrics(made.folder)[-1]
    assert last["loss"] < 0.5 * metrics(made.folder)[0]["loss"]
    assert last["train_matched"] == last["train_shuffled"] <= 0.5
