"""Training settings: what is refused, and the learning rate over a run."""

import pytest

from t2l_fast.errors import ConfigError
from t2l_fast.train import SFTConfig, WarmStartConfig


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("steps", 0, "at least 1"),
        ("tasks_per_batch", 0, "at least 1"),
        ("eval_every", -1, "0 or more"),
        ("code_noise", -0.1, "0 or more"),
        ("bucket_overhead", -1, "0 or more"),
        ("learning_rate", 0.0, "positive"),
        ("label_smoothing", 1.0, r"in \[0, 1\)"),
        ("schedule", "step", "one of"),
        ("start", "warm", "one of"),
    ],
)
def test_a_value_out_of_range_is_named(name, value, expected):
    with pytest.raises(ConfigError, match=f"{name} must be {expected}"):
        SFTConfig(**({"steps": 1} | {name: value}))


def test_a_warm_start_checks_its_values_too():
    with pytest.raises(ConfigError, match="fit_tasks must be at least 1, got 0"):
        WarmStartConfig(fit_tasks=0)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_learning_rate_rises_then_never_again(schedule):
    config = SFTConfig(steps=100, warmup_fraction=0.1, schedule=schedule)
    rates = [config.factor(step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert max(rates) == 1.0
    assert min(rates) > 0
    assert (rates[-1] < 0.02) == (schedule != "constant")
