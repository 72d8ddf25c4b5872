"""How generators start: as a LoRA, with a trunk that keeps signals, where tasks differ most."""

import math

import pytest
import torch
from torch import nn

from t2l_fast.errors import ArgumentError
from t2l_fast.generators import TextToLora, discriminant_init, trunk_init


def test_a_new_l_is_a_standard_lora_init_exactly(tiny, codes):
    generator = TextToLora(tiny.config("L", latent_size=16))
    batch = generator.generate(codes=codes)
    for m, (size_in, _) in generator.config.module_shapes.items():
        a, bound = batch.lora_a[m], 1 / math.sqrt(size_in)
        assert a.abs().max() <= bound
        assert a.abs().max() > 0.8 * bound and a.min() < -0.8 * bound
        assert torch.equal(a, a[:1, :1].expand_as(a))
        assert not torch.equal(a[0, 0, 0], a[0, 0, 1])
        assert not batch.lora_b[m].any()


@pytest.mark.parametrize(("arch", "shrink"), [("M", 2), ("S", 2 * 3)], ids=["M", "S"])
def test_a_new_m_or_s_starts_from_one_shrunken_draw(tiny, arch, shrink, codes):
    generator = TextToLora(tiny.config(arch))
    batch = generator.generate(codes=codes)
    for m, (size_in, size_out) in generator.config.module_shapes.items():
        bound, common = 1 / math.sqrt(size_in * shrink), min(size_in, size_out)
        for matrix in (batch.lora_a[m], batch.lora_b[m]):
            assert 0.8 * bound < matrix.abs().max() <= bound
            assert torch.equal(matrix, matrix[:1, :1].expand_as(matrix))
        assert torch.equal(batch.lora_a[m][..., :common], batch.lora_b[m][..., :common])


def test_a_trunk_started_for_it_keeps_the_size_of_signals():
    torch.manual_seed(6)
    x = torch.randn(64, 256)
    layers = [part for _ in range(8) for part in (nn.Linear(256, 256), nn.ReLU())]
    plain = nn.Sequential(*layers)(x).square().mean()
    trunk_init(layers)
    kept = nn.Sequential(*layers)(x).square().mean()
    assert plain < 0.02 and 0.3 < kept < 3.0
    trunk_init(layers, gain=1.0)
    # half the variance a layer
    shrunk = nn.Sequential(*layers)(x).square().mean()
    assert shrunk < 0.02 * kept


def spread(rows: torch.Tensor, tasks: torch.Tensor) -> float:
    """Variance between tasks over variance within them."""
    centres = torch.stack([rows[tasks == t].mean(0) for t in tasks.unique()])
    within = torch.cat([rows[tasks == t] - c for t, c in enumerate(centres)])
    return float((centres - centres.mean(0)).square().sum(1).mean() / within.square().sum(1).mean())


def described(num_tasks: int = 6, wordings: int = 8, width: int = 12):
    """Embeddings that share most, and whose loudest directions are wording."""
    draws = torch.Generator().manual_seed(7)
    tasks = torch.arange(num_tasks).repeat_interleave(wordings)
    loud = torch.logspace(0.7, -1, width)
    noise = torch.randn(len(tasks), width, generator=draws) * loud
    centres = torch.randn(num_tasks, width, generator=draws) * loud.flip(0).clamp(max=1.0)
    return 5.0 + centres[tasks] + noise, tasks


def test_discriminants_tell_tasks_apart(tiny):
    embeddings, tasks = described()
    generator = TextToLora(tiny.config("L", latent_size=16))
    first = generator.task_encoder.mlp[0]
    count = len(tasks.unique()) - 1  # no more directions tell tasks apart
    before, rest = spread(first(embeddings).detach(), tasks), first.weight[count:].detach().clone()
    discriminant_init(first, embeddings, tasks)
    rows = first(embeddings).detach()[:, :count]
    assert spread(rows, tasks) > 2 * before
    torch.testing.assert_close(rows.mean(0), torch.zeros(count), rtol=0, atol=1e-4)
    torch.testing.assert_close(rows.std(0), torch.ones(count), rtol=1e-4, atol=1e-4)
    assert torch.equal(first.weight[count:], rest)


def test_discriminants_fill_no_more_rows_than_embeddings_have_columns():
    embeddings, tasks = described(width=4)
    linear = nn.Linear(4, 6)
    rest = linear.weight[4:].detach().clone()
    discriminant_init(linear, embeddings, tasks)
    assert torch.equal(linear.weight[4:], rest)
    assert spread(linear(embeddings)[:, :1].detach(), tasks) > spread(embeddings, tasks)


def test_discriminants_of_single_descriptions_are_the_principal_components():
    embeddings, _ = described()
    linear = nn.Linear(12, 4)
    discriminant_init(linear, embeddings, torch.arange(len(embeddings)))
    rows = linear(embeddings).detach().double()
    torch.testing.assert_close(rows.T.cov(), torch.eye(4).double(), rtol=1e-3, atol=1e-3)
    centred = (embeddings - embeddings.mean(0)).double()
    main = torch.linalg.svd(centred, full_matrices=False).Vh[:4]
    own = nn.functional.normalize(linear.weight.detach().double(), dim=1)
    torch.testing.assert_close((own @ main.T).abs(), torch.eye(4).double(), rtol=0, atol=1e-3)


def test_discriminants_of_tasks_that_are_embedded_alike_are_refused():
    linear = nn.Linear(12, 4)
    with pytest.raises(ArgumentError, match="whose embeddings differ, .* start plain"):
        discriminant_init(linear, torch.ones(6, 12), torch.arange(6))


@pytest.mark.parametrize(
    "tasks",
    [torch.zeros(48, dtype=torch.long), torch.full((48,), 3), torch.arange(47), torch.arange(0)],
    ids=["one", "one-with-a-number", "too-few", "none"],
)
def test_discriminants_need_two_tasks_and_one_for_each_embedding(tasks):
    linear, (embeddings, _) = nn.Linear(12, 8), described()
    before = linear.weight.detach().clone()
    with pytest.raises(ArgumentError, match="two tasks"):
        discriminant_init(linear, embeddings, tasks)
    assert torch.equal(linear.weight, before)
