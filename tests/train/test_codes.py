"""Codes of a step: descriptions, mixtures and noise, all on the sphere of the embeddings."""

import pytest
import torch

from t2l_fast.train.sft.code_source import draw_codes
from t2l_fast.train.sft.sampler import TaskDraw

_DRAWN = torch.randn(4, 3, 64, generator=torch.Generator().manual_seed(0))
EMBEDDINGS = [*(5.0 * torch.nn.functional.normalize(_DRAWN, dim=2))]


def draw(mixture=0.0, seed=None, task=1) -> TaskDraw:
    return TaskDraw(task, (0, 2), mixture, (), seed)


def test_without_mixture_or_noise_a_code_is_the_embedding():
    codes = draw_codes(EMBEDDINGS, [draw(task=3), draw(task=0)], 0.5)
    torch.testing.assert_close(codes, torch.stack([EMBEDDINGS[3][0], EMBEDDINGS[0][0]]))


@pytest.mark.parametrize("mixture", [0.25, 0.5, 1.0])
def test_a_mixture_lies_between_its_two_descriptions(mixture):
    (code,) = draw_codes(EMBEDDINGS, [draw(mixture)], 0.5)
    first, second = EMBEDDINGS[1][0], EMBEDDINGS[1][2]
    straight = first + mixture * (second - first)
    torch.testing.assert_close(code, 5.0 * torch.nn.functional.normalize(straight, dim=0))


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_noise_has_its_size_and_leaves_the_length(noise):
    codes = draw_codes(EMBEDDINGS, [draw(seed=seed) for seed in range(200)], noise)
    clean = EMBEDDINGS[1][0]
    torch.testing.assert_close(codes.norm(dim=1), torch.full((200,), 5.0))
    # a direction turns by atan(noise · √(d − 1) / length), on average over d
    turned = torch.acos((codes @ clean / 25.0).clamp(max=1.0)).tan().mean()
    assert turned.item() == pytest.approx(noise * 63**0.5 / 5.0, rel=0.1)
    assert len({tuple(code.tolist()) for code in codes}) == 200


def test_the_same_seed_gives_the_same_noise():
    one, other = draw_codes(EMBEDDINGS, [draw(seed=7), draw(seed=7)], 0.5)
    assert torch.equal(one, other)
