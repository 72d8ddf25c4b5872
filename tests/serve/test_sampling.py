"""The next token of every request."""

import math

import pytest
import torch

from t2l_fast.errors import ArgumentError
from t2l_fast.serve import SamplingParams
from t2l_fast.serve.engine.sampling import Draw, choose


def drawn(logits: list[float], count: int = 4000, **options) -> torch.Tensor:
    """Shares of each token over many seeds."""
    rows = torch.tensor([logits]).expand(count, -1).contiguous()
    draws = [Draw(SamplingParams(seed=i, **options), ()) for i in range(count)]
    tokens, _ = choose(rows, draws)
    return torch.bincount(tokens, minlength=len(logits)) / count


LOGITS = [math.log(p) for p in (0.1, 0.4, 0.2, 0.3)]


def test_draws_follow_the_distribution():
    assert drawn(LOGITS, temperature=1.0).tolist() == pytest.approx([0.1, 0.4, 0.2, 0.3], abs=0.03)


def test_temperature_sharpens():
    squared = torch.tensor([0.01, 0.16, 0.04, 0.09])
    wanted = (squared / squared.sum()).tolist()
    assert drawn(LOGITS, temperature=0.5).tolist() == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 1}, {1}),
        ({"top_k": 2}, {1, 3}),
        ({"top_p": 0.3}, {1}),
        ({"top_p": 0.41}, {1, 3}),
        ({"top_p": 0.95}, {0, 1, 2, 3}),
        ({"min_p": 0.6}, {1, 3}),
        ({"min_p": 1.0}, {1}),
        ({"top_k": 3, "top_p": 0.5}, {1, 3}),
        ({"top_k": 100}, {0, 1, 2, 3}),
    ],
    ids=str,
)
def test_what_is_cut_is_never_drawn(options, kept):
    shares = drawn(LOGITS, temperature=1.0, **options)
    assert {i for i, share in enumerate(shares) if share > 0} == kept


def test_greedy_and_sampled_rows_in_one_batch():
    rows = torch.tensor([LOGITS, LOGITS[::-1]])
    draws = [Draw(SamplingParams(), ()), Draw(SamplingParams(temperature=1.0, seed=3), ())]
    tokens, found = choose(rows, draws)
    alone, _ = choose(rows[1:], draws[1:])
    assert tokens.tolist() == [1, int(alone)]
    assert found == [None, None]


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1e-40, 1e-7])
def test_temperatures_near_zero_are_greedy(temperature):
    assert drawn(LOGITS, count=50, temperature=temperature)[1] == 1.0


def test_neighbouring_seeds_draw_differently():
    rows = torch.zeros(40, 1000)
    draws = [Draw(SamplingParams(temperature=1.0, seed=s), ()) for s in range(-20, 20)]
    assert len(set(choose(rows, draws)[0].tolist())) > 35


def test_logits_that_are_not_finite_give_logarithms_that_json_can_hold():
    rows = torch.tensor([[1.0, math.nan, 0.0], [-math.inf, 1.0, -math.inf]])
    _, found = choose(rows, [Draw(SamplingParams(logprobs=3), ())] * 2)
    values = [v for f in found for v in (f.logprob, *(p for _, p in f.top))]
    assert all(math.isfinite(v) for v in values)


def test_draws_depend_on_the_position():
    rows = torch.zeros(64, 1000)
    params = SamplingParams(temperature=1.0, seed=3)
    tokens, _ = choose(rows, [Draw(params, range(i)) for i in range(64)])
    assert len(set(tokens.tolist())) > 50


def test_penalties_touch_generated_tokens_alone():
    rows = torch.tensor([[3.0, 2.5, 2.4, 0.0]] * 3)
    before = rows.clone()
    draws = [
        Draw(SamplingParams(presence_penalty=0.55), [0, 0]),  # 2.45 2.5
        Draw(SamplingParams(frequency_penalty=0.2), [0, 0, 0, 1]),  # 2.4 2.3 2.4
        Draw(SamplingParams(frequency_penalty=0.2), []),
    ]
    tokens, _ = choose(rows, draws)
    assert tokens.tolist()[0] == 1
    assert tokens.tolist()[1] in (0, 2)
    assert tokens.tolist()[2] == 0
    assert torch.equal(rows, before)


def test_log_probabilities_are_taken_before_temperature_and_penalties():
    rows = torch.tensor([LOGITS])
    draw = Draw(SamplingParams(logprobs=2, temperature=5.0, seed=1, presence_penalty=2.0), [1])
    tokens, (found,) = choose(rows, [draw])
    assert found.logprob == pytest.approx(LOGITS[int(tokens)], abs=1e-6)
    assert found.top == ((1, pytest.approx(LOGITS[1])), (3, pytest.approx(LOGITS[3])))


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"min_p": 2.0},
        {"presence_penalty": 3.0},
        {"frequency_penalty": -3.0},
        {"logprobs": 21},
        {"stop": ("",)},
        {"stop": "word"},
        {"stop": ("x" * 257,)},
        {"stop": tuple("abcdefghijklmnopq")},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused(options):
    with pytest.raises(ArgumentError, match=f"{next(iter(options))} must be"):
        SamplingParams(**options)
