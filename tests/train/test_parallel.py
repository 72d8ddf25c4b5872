"""Several processes train as one does; an error ends all of them."""

import json
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t2l_fast.errors import ConfigError
from t2l_fast.train import Processes, join, stay_alone
from tests.train import ranks

EXACT = dict(rtol=1e-9, atol=1e-8)
"""fp64: sums in another order, and Adam divides by gradients' size, however small."""
CLOSE = dict(rtol=1e-3, atol=3e-4)
"""fp32: the same."""
EVERYTHING = dict(neftune_alpha=5.0, code_noise=0.5, label_smoothing=0.1, generated_l2=0.5)


def trained(processes, folder, options) -> dict[str, torch.Tensor]:
    """The generator's weights, as numpy arrays."""
    made = ranks.trainer(processes, folder, **options)
    made.train()
    return {name: p.detach().numpy() for name, p in made.generator.named_parameters()}


def metrics(folder) -> list[dict]:
    lines = [json.loads(text) for text in (folder / "metrics.jsonl").read_text().splitlines()]
    timed = ("seconds", "tokens_per", "peak")
    return [{k: v for k, v in line.items() if not k.startswith(timed)} for line in lines]


def assert_close(found, expected, rtol, atol) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=rtol, atol=atol, msg=name)


def assert_alike(folder, other) -> None:
    """Metrics agree; accuracy and counts are the same number."""
    ours, theirs = metrics(folder), metrics(other)
    assert len(ours) == len(theirs) > 0
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(expected, rel=1e-3, abs=1e-6)
        exact = [k for k in expected if k.endswith(("matched", "shuffled")) or k == "rows"]
        assert [mine[k] for k in exact] == [expected[k] for k in exact]


CASES = {
    "fp64": (dict(double=True, start="plain"), EXACT),
    "fp64, everything random": (dict(double=True, start="plain", **EVERYTHING), EXACT),
    "fp64, made again": (dict(double=True, start="plain", recompute_weights=True), EXACT),
    "fp64, M": (dict(double=True, start="plain", arch="M"), EXACT),
    "fp64, S made again": (
        dict(double=True, start="plain", arch="S", recompute_weights=True),
        EXACT,
    ),
    "fp64, one LoRA for all": (dict(double=True, arch="one"), EXACT),
    "fp64, padded": (dict(double=True, start="plain", packs=False, bucket_overhead=0), EXACT),
    "conditioned": (EVERYTHING, CLOSE),
    "warm start": (dict(warm=dict(steps=3, tasks_at_once=2, fit_steps=4)), CLOSE),
}


DAILY = {
    ("fp64", False),
    ("fp64, padded", False),
    ("fp64, everything random", True),
    ("warm start", True),
}
"""Cases, whole or with sharded weights (True), of `make test`; the others wait for the night."""


@pytest.mark.parametrize(
    ("case", "fsdp"),
    [
        pytest.param(
            case,
            fsdp,
            marks=[] if (case, fsdp) in DAILY else [pytest.mark.nightly],
            id=f"{case}-{'fsdp' if fsdp else 'whole'}",
        )
        for case in CASES
        for fsdp in (False, True)
    ],
)
@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path, case, fsdp):
    options, tolerance = CASES[case]
    (expected,) = ranks.together(1, trained, tmp_path / "one", options)
    found = ranks.together(2, trained, tmp_path / "two", options | dict(fsdp=fsdp))
    assert_close(found[0], expected, **tolerance)
    assert_close(found[1], found[0], 0, 0)
    if "warm" not in case:
        assert_alike(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_three_processes_train_as_one_does(tmp_path):
    """Shares of 2, 2 and 1 tasks; one evaluates nothing of its own."""
    options = CASES["fp64, everything random"][0] | dict(eval_tasks=2)
    (expected,) = ranks.together(1, trained, tmp_path / "one", options)
    for name, fsdp in (("three", False), ("sharded", True)):
        found = ranks.together(3, trained, tmp_path / name, options | dict(fsdp=fsdp))
        assert_close(found[0], expected, **EXACT)
        assert_close(found[2], found[0], 0, 0)
        assert_alike(tmp_path / name, tmp_path / "one")


def trained_with_encoder(processes, folder, options) -> dict[str, torch.Tensor]:
    """Weights of generator and encoder, as numpy arrays."""
    made = ranks.trainer(processes, folder, **options)
    made.train()
    parameters = {**dict(made.generator.named_parameters()), **made.codes.parameters}
    return {name: p.detach().numpy() for name, p in parameters.items()}


@pytest.mark.parametrize("start", ["plain", "conditioned"])
@pytest.mark.nightly
def test_two_processes_train_a_text_encoder_as_one_does(tmp_path, tiny_folder, start):
    folder = str(tiny_folder(f"in-parallel-{start}"))
    options = dict(encoder=folder, encoder_rank=2, start=start, code_noise=0.5)
    (expected,) = ranks.together(1, trained_with_encoder, tmp_path / "one", options)
    found = ranks.together(2, trained_with_encoder, tmp_path / "two", options)
    assert any("lora_B" in name and value.any() for name, value in expected.items())
    assert_close(found[0], expected, **CLOSE)
    assert_close(found[1], found[0], 0, 0)
    assert_alike(tmp_path / "two", tmp_path / "one")


def counted(processes, folder) -> list[int]:
    """Micro-batches of each step."""
    made = ranks.trainer(processes, folder, packs=False, bucket_overhead=0, eval_every=0)
    counts, real = [], made.collator.prepared
    made.collator.prepared = lambda rows: counts.append(len(batches := real(rows))) or batches
    made.train()
    return counts


@pytest.mark.slow
def test_the_padded_case_has_uneven_micro_batches(tmp_path):
    first, second = ranks.together(2, counted, tmp_path)
    assert any(a != b for a, b in zip(first, second, strict=True))


def broken(processes, folder, how, fsdp) -> None:
    made = ranks.trainer(processes, folder, fsdp=fsdp, steps=50, eval_every=0)
    real = made.preparation.sampler.draw

    def draw(step):
        if step == 3 and processes.rank == 1:
            if how == "raises":
                raise KeyError("planted")
            if how == "hangs":
                time.sleep(60)
            with torch.no_grad():
                made.generator.task_encoder.mlp[0].bias.add_(1e-6)
        return real(step)

    made.preparation.sampler.draw = draw
    made.train()


@pytest.mark.parametrize("fsdp", [False, True], ids=["whole", "fsdp"])
@pytest.mark.slow
def test_an_error_of_one_process_ends_all(tmp_path, fsdp):
    begun = time.monotonic()
    found = ranks.finish(ranks.start(2, broken, tmp_path, "raises", fsdp))
    assert time.monotonic() - begun < 20
    assert found[1] == ("failed", ("KeyError", "'planted'"))
    assert found[0][0] == "failed"
    if not fsdp:
        kind, message = found[0][1]
        assert kind == "DistributedError" and "another process ended or was too slow" in message
    assert metrics(tmp_path)[-1]["step"] == 3


@pytest.mark.slow
def test_a_process_that_hangs_ends_the_run(tmp_path):
    processes = ranks.start(2, broken, tmp_path, "hangs", False, patience=2.0)
    assert processes[0].connection.poll(20)
    state, (kind, message) = processes[0].connection.recv()
    ranks.kill(processes)
    assert (state, kind) == ("failed", "DistributedError")
    assert "resume from the last checkpoint" in message


@pytest.mark.slow
def test_processes_that_drift_apart_are_noticed_before_a_checkpoint(tmp_path):
    found = ranks.finish(ranks.start(2, broken, tmp_path, "drifts", False))
    for state, (kind, message) in found:
        assert (state, kind) == ("failed", "DistributedError")
        assert "those of [1] differ from process 0's" in message
    assert metrics(tmp_path)[-1]["step"] == 4  # saved after step 2, refused after 4


def refused(processes, folder) -> str:
    with pytest.raises(ConfigError) as caught:
        ranks.trainer(processes, folder, tasks_per_batch=1)
    with pytest.raises(ConfigError, match="t2l train encoder runs in one process"):
        stay_alone("t2l train encoder")
    return str(caught.value)


@pytest.mark.slow
def test_more_processes_than_tasks_of_a_batch_are_refused(tmp_path):
    said = "tasks_per_batch must be at least the 2 processes, got 1: launch fewer"
    assert ranks.together(2, refused, tmp_path) == [said] * 2


def with_other_tasks(processes, folder) -> None:
    made = ranks.trainer(processes, folder)
    if processes.rank == 1:  # as if a data set could not be had there
        made.tasks = made.tasks[:-1]
    made.train()


@pytest.mark.slow
def test_processes_with_other_tasks_are_refused_before_the_first_step(tmp_path):
    found = ranks.finish(ranks.start(2, with_other_tasks, tmp_path))
    for state, (kind, message) in found:
        assert (state, kind) == ("failed", "DistributedError")
        assert "must have the same tasks and settings" in message
    assert not list(tmp_path.glob("*.jsonl"))


def of_count(count: int) -> list[Processes]:
    made = [Processes() for _ in range(count)]
    for rank, processes in enumerate(made):
        processes.rank, processes.count = rank, count
    return made


@given(st.integers(1, 5), st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_shares_are_all_items_once_and_nearly_even(count, costs):
    shares = [processes.share(costs) for processes in of_count(count)]
    assert sorted(i for share in shares for i in share) == list(range(len(costs)))
    assert all(shares) or len(costs) < count
    loads = [sum(costs[i] for i in share) for share in shares]
    assert max(loads) - min(loads) <= max(costs)


@given(st.integers(1, 5), st.lists(st.integers(), min_size=1, max_size=20))
def test_chunks_laid_end_to_end_begin_with_the_items(count, items):
    found = [processes.chunk(items) for processes in of_count(count)]
    assert all(chunk for chunk, _ in found)
    laid = [item for chunk, _ in found for item in chunk]
    assert laid[: len(items)] == items
    assert [item for chunk, own in found if own for item in chunk] == items


def test_one_process_alone_is_no_launch(monkeypatch):
    for name in ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert type(join()) is Processes
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert type(join()) is Processes
    stay_alone("t2l train encoder")


@pytest.mark.slow
def test_nobody_to_join_is_said_soon():
    """A process that was told of another, which was never started."""
    processes = ranks.start(2, refused, None, patience=2.0)
    ranks.kill(processes[1:])
    state, (kind, message) = ranks.finish(processes)[0]
    assert (state, kind) == ("failed", "DistributedError")
    assert message.startswith("joining the others failed")
