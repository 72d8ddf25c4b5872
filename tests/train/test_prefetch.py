"""The next step is made in a thread: in order, with its errors, and not beyond the run's end."""

import threading

import pytest

from t2l_fast.train.data.prefetch import Prefetch


class Broken(Exception):
    pass


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("t2l-prefetch")]


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "when asked"])
def test_every_step_gets_its_own_and_none_is_made_beyond_the_end(ahead):
    made = []
    with Prefetch(lambda step: made.append(step) or step * 10, 6, ahead=ahead) as steps:
        assert [steps.take(step) for step in range(2, 6)] == [20, 30, 40, 50]
    assert made == [2, 3, 4, 5]


def test_the_next_step_is_made_while_this_one_runs():
    begun = threading.Event()

    def make(step):
        if step == 1:
            begun.set()
        return threading.current_thread().name

    with Prefetch(make, 3) as steps:
        steps.take(0)
        assert begun.wait(10)
        assert steps.take(1).startswith("t2l-prefetch")


def test_a_step_out_of_order_is_made_anew():
    with Prefetch(lambda step: step, 100) as steps:
        assert [steps.take(step) for step in (5, 9, 9, 0)] == [5, 9, 9, 0]


@pytest.mark.parametrize("step", range(4))
def test_an_error_comes_out_of_its_own_step_as_itself(step):
    def make(number):
        if number == step:
            raise Broken(f"step {number}")
        return number

    with pytest.raises(Broken, match=f"step {step}"):
        with Prefetch(make, 4) as steps:
            for number in range(4):
                assert steps.take(number) == number < step + 1
    assert threads() == []


@pytest.mark.parametrize("stop", [None, Broken, KeyboardInterrupt, SystemExit])
def test_the_thread_ends_with_the_block(stop):
    slow = threading.Event()

    def make(step):
        return slow.wait(0.05)

    try:
        with Prefetch(make, 100) as steps:
            steps.take(0)
            assert threads() != []
            if stop is not None:
                raise stop
    except BaseException as error:
        assert stop is not None and type(error) is stop
    assert threads() == []


def noise(**options):
    return dict(code_noise=0.5, neftune_alpha=5.0, **options)


@pytest.mark.parametrize("changes", [{}, noise()], ids=["plain", "noise everywhere"])
def test_a_run_is_the_same_with_and_without(runs, trainer, changes):
    ahead, plain = trainer("ahead", **changes), trainer("plain", prefetch=False, **changes)
    for made in (ahead, plain):
        made.train()
    runs.assert_same(ahead, plain)
    assert threads() == []


def test_an_interrupted_run_resumes_to_the_same(runs, trainer):
    whole = trainer("whole", prefetch=False)
    whole.train()
    with pytest.raises(runs.Interrupted):
        trainer("cut").train(on_step=runs.interrupt_at(3))
    assert threads() == []
    resumed = trainer("cut")
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)


def test_an_error_while_a_step_is_made_ends_the_run(runs, trainer, monkeypatch):
    made = trainer()
    rows = made.preparation.rows

    def broken(draws):
        if draws == made.preparation.sampler.draw(3):
            raise Broken("no rows")
        return rows(draws)

    monkeypatch.setattr(made.preparation, "rows", broken)
    with pytest.raises(Broken, match="no rows"):
        made.train()
    assert made.step == 3 and threads() == []


def test_steps_are_made_in_the_thread(trainer, monkeypatch):
    made, names = trainer(), []
    rows = made.preparation.rows
    monkeypatch.setattr(
        made.preparation,
        "rows",
        lambda draws: names.append(threading.current_thread().name) or rows(draws),
    )
    made.train()
    assert len(names) == 5
    assert [name.startswith("t2l-prefetch") for name in names] == [False, True, True, True, True]
