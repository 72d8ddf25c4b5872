"""What a step trains on: a function of seed and step, in chunks that only adapters tell apart."""

from dataclasses import replace

import pytest

from t2l_fast.errors import ConfigError
from t2l_fast.tasks import Example
from t2l_fast.train import SFTConfig
from t2l_fast.train.sft.sampler import Sampler


@pytest.fixture
def tasks(tiny):
    """Families of 8, 6 and 5 tasks; each shares its inputs inside, in an order of its own."""
    made = []
    for family, count in (("one", 8), ("two", 6), ("three", 5)):
        for i in range(count):
            pairs = [(f"{family} {n}", f"{i} {n}") for n in range(10)]
            turned = dict(pairs[i:] + pairs[:i])
            made.append(tiny.task(f"{family}/{i}", turned))
    return made


def config(**changes) -> SFTConfig:
    defaults = dict(steps=10, tasks_per_batch=8, examples_per_task=3, contrast=4)
    return SFTConfig(**(defaults | changes))


def test_a_step_depends_on_seed_and_number_alone(tasks):
    forward, backward = Sampler(tasks, config()), Sampler(tasks, config(steps=99))
    there = [forward.draw(step) for step in range(9)]
    back = [backward.draw(step) for step in reversed(range(9))][::-1]
    assert there == back
    assert Sampler(tasks, config(seed=1)).draw(0) != there[0]


def test_a_run_that_goes_on_from_a_generator_draws_anew(tasks):
    """Else the same seed would show the rows of the run before once more."""
    first, second, third = (Sampler(tasks, config(), after) for after in ("", "one", "two"))
    draws = [sampler.draw(0) for sampler in (first, second, third)]
    assert draws[0] != draws[1] != draws[2] != draws[0]
    assert Sampler(tasks, config(), "one").draw(0) == draws[1]


def test_noise_begins_at_its_step_and_changes_nothing_else(tasks):
    plain, noisy = (
        Sampler(tasks, config()),
        Sampler(tasks, config(code_noise=0.5, code_noise_from=3)),
    )
    seen = set()
    for step in range(6):
        draws = noisy.draw(step)
        seeds = [draw.noise_seed for draw in draws]
        assert [replace(draw, noise_seed=None) for draw in draws] == plain.draw(step)
        assert seeds == [None] * 8 if step < 3 else None not in seeds
        seen |= {*seeds}
    assert len(seen) == 1 + 3 * 8  # one for none


def test_steps_differ(tasks):
    sampler = Sampler(tasks, config())
    first = [sampler.draw(step) for step in range(6)]
    assert all(a != b for i, a in enumerate(first) for b in first[:i])


@pytest.mark.parametrize("size", [4, 8, 19])
def test_an_epoch_shows_no_task_twice(tasks, size):
    sampler = Sampler(tasks, config(tasks_per_batch=size))
    for epoch in range(5):
        steps = range(epoch * sampler.steps_per_epoch, (epoch + 1) * sampler.steps_per_epoch)
        shown = [draw.task for step in steps for draw in sampler.draw(step)]
        assert len(shown) == size * (len(tasks) // size)
        assert len({*shown}) == len(shown)


def test_every_task_is_shown_in_the_long_run(tasks):
    sampler = Sampler(tasks, config())
    shown = {draw.task for step in range(40) for draw in sampler.draw(step)}
    assert shown == {*range(len(tasks))}


def test_chunks_are_of_one_family_but_for_what_is_left_over(tasks):
    """8, 6 and 5 tasks leave 0, 2 and 1: at most one chunk of an epoch is mixed."""
    sampler = Sampler(tasks, config(tasks_per_batch=4))
    for epoch in range(30):
        mixed = 0
        for index in range(sampler.steps_per_epoch):
            draws = sampler.draw(epoch * sampler.steps_per_epoch + index)
            mixed += len({tasks[draw.task].family for draw in draws}) > 1
        assert mixed <= 1, epoch


def test_tasks_of_a_chunk_get_the_same_inputs(tasks):
    sampler = Sampler([t for t in tasks if t.family == "one"], config())
    for step in range(10):
        draws = sampler.draw(step)
        for chunk in (draws[:4], draws[4:]):
            inputs = [{e.input for e in draw.examples} for draw in chunk]
            assert all(other == inputs[0] for other in inputs)
            assert len(inputs[0]) == 3
            assert len({tuple(e.output for e in d.examples) for d in chunk}) == 4


def test_a_task_without_those_inputs_gets_examples_of_its_own(tiny):
    here = tiny.task("one/a", {"a": "1", "b": "2", "c": "3"})
    there = tiny.task("one/b", {"a": "4", "x": "5", "y": "6"})
    sampler = Sampler([here, there], config(tasks_per_batch=2, examples_per_task=2, contrast=2))
    for step in range(20):
        by_task = {draw.task: {e.input for e in draw.examples} for draw in sampler.draw(step)}
        assert by_task[0] <= {"a", "b", "c"} and by_task[1] <= {"a", "x", "y"}
        assert len(by_task[0]) == len(by_task[1]) == 2
        assert "a" not in by_task[0] & by_task[1] or "a" in by_task[1]


def test_examples_are_the_tasks_own_and_differ(tasks):
    sampler = Sampler(tasks, config())
    for step in range(10):
        for draw in sampler.draw(step):
            assert {*draw.examples} <= {*tasks[draw.task].train}
            assert len({*draw.examples}) == 3


def test_a_task_with_few_examples_gives_all_it_has(tiny):
    task = tiny.task("one/a", {"a": "b", "c": "d"})
    sampler = Sampler([task], config(tasks_per_batch=1, examples_per_task=5))
    (draw,) = sampler.draw(0)
    assert {*draw.examples} == {Example("a", "b"), Example("c", "d")}


def test_without_contrast_tasks_draw_their_own_inputs(tasks):
    sampler = Sampler([t for t in tasks if t.family == "one"], config(contrast=1))
    inputs = [{e.input for e in draw.examples} for draw in sampler.draw(0)]
    assert any(other != inputs[0] for other in inputs)


def test_descriptions_are_mixed_only_where_asked(tasks):
    mixed = Sampler(tasks, config()).draw(0)
    plain = Sampler(tasks, config(mix_descriptions=False)).draw(0)
    assert all(0 < draw.mixture < 1 for draw in mixed)
    assert all(draw.mixture == 0 for draw in plain)
    for draw in mixed:
        assert {*draw.descriptions} <= {*range(len(tasks[draw.task].descriptions))}


def test_a_task_with_nothing_to_train_on_is_named(tiny, tasks):
    bare = tiny.task("bare/1", {"a": "b"}, train=())
    with pytest.raises(ConfigError, match="got 1 without, such as 'bare/1'"):
        Sampler([*tasks, bare], config())


def test_fewer_tasks_than_a_batch_are_refused(tasks):
    with pytest.raises(ConfigError, match="tasks_per_batch must be at most the 19 .* got 20"):
        Sampler(tasks, config(tasks_per_batch=20))
