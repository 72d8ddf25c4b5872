"""Discrete and vector-quantised task encoders in training, and how codebooks are saved."""

import copy

import pytest
import torch

from t2l_fast.errors import CheckpointError
from t2l_fast.generators import TextToLora
from t2l_fast.generators.parts.task_encoders import task_encoder
from tests.generators.task_encoder_networks import D, config_of, trained


@pytest.fixture
def codes():
    return torch.randn(7, D, generator=torch.Generator().manual_seed(3))


def test_discrete_codes_are_one_class_drawn_by_its_probability():
    torch.manual_seed(0)
    made = task_encoder(config_of("discrete"))
    code = torch.randn(1, D)
    rows = made(code.expand(20_000, -1)).detach()
    hits = (rows > 0.5).float()
    assert torch.equal(hits.sum(-1), torch.ones(20_000))
    torch.testing.assert_close(rows, hits, rtol=0, atol=1e-6)
    shares = made.mlp(code).softmax(-1).squeeze(0).detach()
    torch.testing.assert_close(hits.mean(0), shares, rtol=0, atol=0.01)
    made.eval()
    assert made(code).argmax() == shares.argmax() and made(code).sum() == 1.0


def test_discrete_gradients_are_those_of_the_probabilities(codes):
    made = task_encoder(config_of("discrete"))
    weights = torch.randn(len(codes), 64)
    (made(codes) * weights).sum().backward()
    straight = [p.grad.clone() for p in made.parameters()]
    made.zero_grad()
    (made.mlp(codes).softmax(-1) * weights).sum().backward()
    for got, parameter in zip(straight, made.parameters(), strict=True):
        assert got.any()
        torch.testing.assert_close(got, parameter.grad)


def test_vq_gradients_pass_the_codebook_and_its_loss_pulls_towards_it(codes):
    made = task_encoder(config_of("vq"))
    weights = torch.randn(len(codes), 8)
    book = made.embed.clone()
    out = made(codes)
    z = made.mlp(codes).detach().requires_grad_()
    own = book.T[(z.detach()[:, None] - book.T).square().sum(-1).argmin(-1)]
    torch.testing.assert_close(out, made.ln(own))
    # through the norm as if z had been the vector it is nearest to
    leaf = own.clone().requires_grad_()
    (made.ln(leaf) * weights).sum().backward()
    loss = 0.01 * (own - z).square().mean()
    torch.testing.assert_close(made.loss, loss)
    (pull,) = torch.autograd.grad(loss, z)
    made.zero_grad()
    ((out * weights).sum() + made.loss).backward()
    got = [p.grad.clone() for p in made.mlp.parameters()]
    made.zero_grad()
    made.mlp(codes).backward(leaf.grad + pull)
    for left, parameter in zip(got, made.mlp.parameters(), strict=True):
        torch.testing.assert_close(left, parameter.grad)
    assert not made.embed.requires_grad


def test_a_codebook_moves_by_running_means(codes):
    """Counts and sums by hand, in fp64, over two steps."""
    torch.manual_seed(4)
    made = task_encoder(config_of("vq")).double()
    counts = [1.0] * 32
    sums = [made.embed[:, i].clone() for i in range(32)]
    book = [s.clone() for s in sums]
    for _ in range(2):
        rows = made.mlp(codes.double()).detach()
        near = [min(range(32), key=lambda i: (z - book[i]).norm()) for z in rows]
        made(codes.double())
        for i in range(32):
            mine = [z for z, j in zip(rows, near, strict=True) if j == i]
            counts[i] = 0.99 * counts[i] + 0.01 * len(mine)
            sums[i] = 0.99 * sums[i] + 0.01 * sum(mine, torch.zeros(8, dtype=torch.double))
        total = sum(counts)
        for i in range(32):
            book[i] = sums[i] / ((counts[i] + 1e-5) / (total + 32e-5) * total)
            torch.testing.assert_close(made.embed[:, i], book[i])
            torch.testing.assert_close(made.embed_avg[:, i], sums[i])
        torch.testing.assert_close(made.cluster_size, torch.tensor(counts).double())
    assert len(set(near)) > 1


def test_a_new_codebook_is_not_thrown_away_by_its_first_step(codes):
    made = task_encoder(config_of("vq"))
    before = made.embed.clone()
    made(codes)
    assert 0 < (made.embed - before).norm() < 0.1 * before.norm()


def test_a_codebook_ends_where_its_tasks_are():
    """Four clusters of codes: after many steps each has a vector at its mean."""
    torch.manual_seed(0)
    made = task_encoder(config_of("vq"))
    centres = 3 * torch.randn(4, D)
    codes = centres.repeat_interleave(8, 0) + 0.05 * torch.randn(32, D)
    for _ in range(1500):
        made(codes)
    made.eval()
    means = made.mlp(codes).detach().unflatten(0, (4, 8)).mean(1)
    gaps = torch.cdist(means, made.embed.T).min(-1).values
    assert (gaps < 0.1 * means.norm(dim=-1)).all()


def test_changed_codebooks_change_the_fingerprint(codes):
    generator = trained("vq")
    before = generator.fingerprint
    generator.train()
    generator(codes)
    assert generator.fingerprint != before


def test_a_generator_can_be_copied_in_the_middle_of_a_step(codes):
    generator = trained("vq").train()
    generator(codes)
    assert generator.auxiliary_loss is not None
    other = copy.deepcopy(generator)
    assert other.auxiliary_loss is None and generator.auxiliary_loss is not None
    assert other.fingerprint == generator.fingerprint


def test_codebooks_are_saved_whole_in_half_precision(tmp_path):
    generator = trained("vq")
    generator.save_pretrained(tmp_path, dtype=torch.float16)
    read = TextToLora.from_pretrained(tmp_path)
    for name in ("embed", "embed_avg", "cluster_size"):
        assert torch.equal(getattr(read.task_encoder, name), getattr(generator.task_encoder, name))


def test_a_checkpoint_without_its_codebook_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    trained("vq").save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["task_encoder.cluster_size"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="cluster_size"):
        TextToLora.from_pretrained(tmp_path)
