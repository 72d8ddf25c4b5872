"""The conditioned and the warm start: the same generator in other coordinates, and a fit."""

import pytest
import torch

from t2l_fast.adapters import attach
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.generators import MultiTaskLora
from t2l_fast.tasks import Prompt
from t2l_fast.train import OracleConfig, SFTConfig, SFTTrainer, WarmStartConfig
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.oracles.batched import concatenated, train_oracles
from t2l_fast.train.sft.optimizer import GeneratorOptimizer
from t2l_fast.train.sft.warm_start import fit

WARM = WarmStartConfig(
    steps=8, examples=6, tasks_at_once=4, learning_rate=2e-2, fit_steps=60, fit_tasks=4
)


@pytest.fixture
def tasks(tiny):
    return [tiny.task(f"shift/{by}", tiny.shift(by)) for by in range(2, 8)]


@pytest.fixture
def embeddings(tiny, tasks):
    return [tiny.encoder().encode(task.descriptions * 2) for task in tasks]


@pytest.fixture
def started(tiny, embeddings):
    generator = tiny.generator(tiny.model(), dropout=0.0)
    start = GeneratorOptimizer(generator, SFTConfig(steps=1))
    start.initialise(embeddings)
    return generator, start


def test_gradients_of_whitened_heads_are_those_of_the_plain_heads(started, embeddings):
    """Autograd through y = V P(z − μ) + c, against the conversion of W's and b's gradients."""
    generator, start = started
    codes = torch.stack([rows[1] for rows in embeddings])
    whitened = start.whitened
    generator.zero_grad()
    batch = generator(codes)
    weights = [torch.randn_like(t) for t in batch.parameters()]
    sum((t * w).sum() for t, w in zip(batch.parameters(), weights, strict=True)).backward()
    whitened.pull_gradients()
    for index, (m, latents) in enumerate(
        zip(generator.config.module_shapes, generator.latents(codes).detach(), strict=True)
    ):
        p, mu = whitened.basis[f"{m}.p"], whitened.basis[f"{m}.mu"]
        v = whitened.parameters[f"{m}.v"].detach().clone().requires_grad_()
        c = whitened.parameters[f"{m}.c"].detach().clone().requires_grad_()
        y = ((latents - mu) @ p.T) @ v.T + c
        wanted = torch.cat([w.flatten(2) for w in weights[2 * index : 2 * index + 2]], -1)
        (y * wanted).sum().backward()
        torch.testing.assert_close(whitened.parameters[f"{m}.v"].grad, v.grad, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(whitened.parameters[f"{m}.c"].grad, c.grad, rtol=1e-4, atol=1e-4)


def test_a_plain_head_gives_what_its_whitened_form_says(started, embeddings):
    generator, start = started
    generator.eval()
    codes = torch.stack([rows[1] for rows in embeddings])
    for name, parameter in start.whitened.parameters.items():
        if name.endswith(".v"):
            torch.nn.init.normal_(parameter)
    start.whitened.push_values()
    batch, latents = generator(codes), generator.latents(codes)
    for index, m in enumerate(generator.config.module_shapes):
        p, mu = start.whitened.basis[f"{m}.p"], start.whitened.basis[f"{m}.mu"]
        v, c = start.whitened.parameters[f"{m}.v"], start.whitened.parameters[f"{m}.c"]
        y = ((latents[index] - mu) @ p.T) @ v.T + c
        made = torch.cat((batch.lora_a[m].flatten(2), batch.lora_b[m].flatten(2)), -1)
        torch.testing.assert_close(made, y, rtol=1e-4, atol=1e-4)


def test_a_conditioned_start_changes_no_adapter(started, embeddings):
    generator, _ = started
    batch = generator.generate(codes=embeddings[0][:1])
    assert all(t.count_nonzero() == 0 for t in batch.lora_b.values())


def test_whitened_latents_of_training_codes_have_equal_size_in_all_large_directions(
    started, embeddings
):
    generator, start = started
    latents = generator.eval().latents(torch.stack([rows[0] for rows in embeddings]))[0]
    p, mu = start.whitened.basis["q_proj.p"], start.whitened.basis["q_proj.mu"]
    z = ((latents - mu) @ p.T).flatten(0, 1)
    assert z.mean(0).abs().max() < 1e-4
    sizes = z.square().mean(0) * z.shape[1]
    assert sizes.max() < 1.01 and sizes.max() > 0.5


def test_oracles_learn_their_tasks_and_the_fit_follows_their_descriptions(
    tiny, tasks, embeddings, started
):
    generator, start = started
    model = tiny.taught()
    before = tiny.state(model)
    model.requires_grad_(False)
    collator = Collator(Prompt(tiny.tokenizer()))
    adapters = attach(model, generator.config.lora, num_slots=0)
    groups = train_oracles(
        generator.generate(codes=torch.zeros(1, *generator.code_shape)),
        model,
        adapters,
        collator,
        tasks,
        OracleConfig(WARM.steps, WARM.examples, WARM.tasks_at_once, WARM.learning_rate, seed=0),
    )
    oracles = concatenated([group.adapters for group in groups])
    assert len(oracles) == len(tasks)
    assert all(not t.requires_grad for t in oracles.parameters())
    fit(generator, start, embeddings, oracles, WARM, seed=0)
    made = generator.generate(codes=torch.stack([rows[0] for rows in embeddings]))
    for m in made.lora_b:
        gaps = (made.lora_b[m][:, :, None] - oracles.lora_b[m][:, None]).square().sum((0, 3, 4))
        assert gaps.argmin(1).tolist() == list(range(len(tasks))), m
    after = model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_warm_started_run_resumes_bitwise(tiny, tasks, tmp_path):
    def trainer(folder):
        model = tiny.taught()
        config = SFTConfig(steps=3, tasks_per_batch=4, eval_every=0, save_every=1)
        warm = WarmStartConfig(steps=2, fit_steps=2)
        made = tiny.generator(model)
        prompt = Prompt(tiny.tokenizer())
        return SFTTrainer(made, model, prompt, tasks, config, tmp_path / folder, warm_start=warm)

    whole = trainer("whole")
    whole.train()
    broken = trainer("broken")

    def stop(line):
        if line["step"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.train(on_step=stop)
    resumed = trainer("broken")
    resumed.train(resume=True)
    for name, tensor in whole.generator.state_dict().items():
        assert torch.equal(tensor, resumed.generator.state_dict()[name]), name


def test_oracles_are_kept_when_the_fit_is_interrupted(tiny, tasks, tmp_path):
    def trainer(**changes):
        model = tiny.taught()
        config = SFTConfig(steps=1, tasks_per_batch=4, eval_every=0, **changes)
        made, prompt = tiny.generator(model), Prompt(tiny.tokenizer())
        return SFTTrainer(made, model, prompt, tasks, config, tmp_path, warm_start=WARM)

    def stop(line):
        if line.get("phase") == "fit":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer().train(on_step=stop)
    with pytest.raises(CheckpointError, match="resume"):
        trainer().train()
    with pytest.raises(CheckpointError, match="seed: 42 there, 1 now"):
        trainer(seed=1).train(resume=True)
    phases = []
    trainer().train(resume=True, on_step=lambda line: phases.append(line.get("phase")))
    assert "oracles" not in phases and phases[-1] is None


def test_damaged_oracles_are_one_sentence(tiny, tasks, tmp_path):
    (tmp_path / "oracles.safetensors").write_bytes(b"nonsense")
    model = tiny.taught()
    config = SFTConfig(steps=1, tasks_per_batch=4, eval_every=0)
    made, prompt = tiny.generator(model), Prompt(tiny.tokenizer())
    trainer = SFTTrainer(made, model, prompt, tasks, config, tmp_path, warm_start=WARM)
    with pytest.raises(CheckpointError, match="remove it"):
        trainer.train(resume=True)


@pytest.mark.parametrize("start", ["plain", "conditioned"])
def test_a_warm_start_needs_a_conditioned_start(start, tiny, tasks, tmp_path):
    model = tiny.model()
    made = tiny.generator(model)
    if start == "conditioned":
        made = MultiTaskLora(made.config)
    config = SFTConfig(steps=1, tasks_per_batch=4, start=start)
    with pytest.raises(ConfigError, match="conditioned"):
        SFTTrainer(made, model, Prompt(tiny.tokenizer()), tasks, config, tmp_path, warm_start=WARM)
