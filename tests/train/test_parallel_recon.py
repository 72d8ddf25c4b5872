"""Several processes reconstruct as one does, and go on from each other's checkpoints."""

import os
import signal

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import ConfigError
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.train import LoraLibrary, ReconConfig, ReconTrainer
from tests.train import ranks

pytestmark = pytest.mark.slow  # starts processes

SHAPES = {"q_proj": (12, 12), "up_proj": (12, 20)}
LORA = t2l.LoraConfig(tuple(SHAPES), 3, 6)
LAYERS, COUNT = 2, 7
EXACT = dict(rtol=1e-9, atol=1e-12)
"""fp64: sums in another order."""
CASES = {
    "factorised": dict(dropout=0.1),
    "z-scores": dict(z_scores=True),
    "ΔW": dict(factorized=False, arch="S"),
    "vq": dict(task_encoder="vq", descriptions_per_task=2),
}


def library() -> LoraLibrary:
    draws = torch.Generator().manual_seed(0)

    def made(size: int) -> torch.Tensor:
        return 0.1 * torch.randn(LAYERS, COUNT, 3, size, generator=draws, dtype=torch.float64)

    batch = t2l.LoraBatch(
        LORA,
        {m: made(a) for m, (a, _) in SHAPES.items()},
        {m: made(b) for m, (_, b) in SHAPES.items()},
    )
    texts = tuple((f"word{i} please", f"word{i} it now") for i in range(COUNT))
    return LoraLibrary(tuple(f"task {i}" for i in range(COUNT)), texts, batch)


def trainer(
    processes, folder, *, z_scores=False, arch="L", dropout=0.0, task_encoder="linear", **changes
):
    encoder = ranks.tiny().FirstWord()
    torch.manual_seed(3)
    config = T2LConfig(
        arch=arch,
        latent_size=16,
        head_in_size=16,
        task_embedding_size=encoder.dim,
        num_layers=LAYERS,
        module_shapes=SHAPES,
        lora=LORA,
        head_bias=not z_scores,
        z_scores=z_scores,
        dropout=dropout,
        task_encoder=task_encoder,
    )
    options = dict(steps=5, tasks_per_batch=5, save_every=2, eval_every=2) | changes
    generator = TextToLora(config, encoder=encoder).double()
    return ReconTrainer(generator, library(), ReconConfig(**options), folder, processes=processes)


def trained(processes, folder, options, resume=False) -> tuple[dict, list[dict]]:
    """The generator's tensors as numpy arrays, and what the main process was told."""
    made, told = trainer(processes, folder, **options), []
    made.train(resume=resume, on_step=told.append)
    keep = ("step", "loss", "matched_loss", "shuffled_loss", "auxiliary_loss", "gradient_norm")
    state = {name: t.numpy() for name, t in made.generator.state_dict().items()}
    return state, [{k: line[k] for k in keep if k in line} for line in told]


def assert_close(found, expected, **tolerance) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, **tolerance, msg=name)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_several_processes_reconstruct_as_one_does(tmp_path, case, count):
    options = CASES[case]
    ((expected, lines),) = ranks.together(1, trained, tmp_path / "one", options)
    found = ranks.together(count, trained, tmp_path / "several", options)
    assert_close(found[0][0], expected, **EXACT)
    for other, told in found[1:]:
        assert_close(other, found[0][0], rtol=0, atol=0)
        assert told == []
    assert len(lines) == 5
    for mine, line in zip(found[0][1], lines, strict=True):
        assert mine == pytest.approx(line, rel=1e-9)


def cut_short(processes, folder, options) -> None:
    """Ends after step 3, which is one after the last checkpoint."""
    made = trainer(processes, folder, **options)
    real = made.draw

    def draw(step):
        if step == 3:
            raise KeyboardInterrupt
        return real(step)

    made.draw = draw
    with pytest.raises(KeyboardInterrupt):
        made.train()


def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    options = CASES["factorised"]
    ((expected, _),) = ranks.together(1, trained, tmp_path / "one", options)
    ranks.together(2, cut_short, tmp_path / "cut", options)
    found = ranks.together(3, trained, tmp_path / "cut", options, True)
    assert_close(found[0][0], expected, **EXACT)
    assert [line["step"] for line in found[0][1]] == [3, 4, 5]


def killed(processes, folder, options, resume, write) -> None:
    """`kill -9` before a file takes its place, at the `write`-th."""
    left, real = [write], os.replace

    def replace(*args):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        real(*args)

    os.replace = replace
    trainer(processes, folder, **options).train(resume=resume)


@pytest.mark.parametrize("write", [2, 3, 4, 5, 7])
def test_a_killed_run_goes_on_and_leaves_no_temporary_file(tmp_path, write):
    """First come settings.json and, resuming, metrics.jsonl; a checkpoint writes three files."""
    options = CASES["ΔW"]
    ((expected, _),) = ranks.together(1, trained, tmp_path / "one", options)
    folder = tmp_path / "cut"
    for resume, at in ((False, write), (write > 4, 5)):
        found = ranks.finish(ranks.start(1, killed, folder, options, resume, at))
        assert found[0] == ("killed", None)
        assert any(path.name.startswith(".") for path in folder.rglob("*"))
    ((state, _),) = ranks.together(1, trained, folder, options, True)
    assert_close(state, expected, rtol=0, atol=0)
    one = tmp_path / "one"
    names = [sorted(p.relative_to(base) for p in base.rglob("*")) for base in (folder, one)]
    assert names[0] == names[1]
    for name in ("model.safetensors", "config.json"):
        assert (folder / "last" / name).read_bytes() == (one / "last" / name).read_bytes()


def refused(processes, folder) -> str:
    with pytest.raises(ConfigError) as caught:
        trainer(processes, folder, tasks_per_batch=1)
    return str(caught.value)


def test_more_processes_than_codes_of_a_step_are_refused(tmp_path):
    said = ranks.together(2, refused, tmp_path)
    assert all("must be at least the 2 processes, got 1: launch fewer" in text for text in said)
