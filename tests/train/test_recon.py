"""Reconstruction: every loss is the published formula, is learned, and generation undoes it."""

import json

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.adapters import LoraBatch
from t2l_fast.errors import AdapterMismatch, CheckpointError, ConfigError
from t2l_fast.generators import T2LConfig, TextToLora, offset_init
from t2l_fast.train import LoraLibrary, ReconConfig, ReconTrainer
from tests.train.libraries import COUNT, LAYERS, LORA, SHAPES, small_library

KINDS = {
    "factorised": (True, False),
    "factorised, z-scores": (True, True),
    "ΔW": (False, False),
    "ΔW, z-scores": (False, True),
}


@pytest.fixture
def library():
    return small_library()


def generator(tiny, z_scores: bool, arch: str = "L", **options) -> TextToLora:
    torch.manual_seed(3)
    config = T2LConfig(
        arch=arch,
        latent_size=16,
        head_in_size=32,
        task_embedding_size=tiny.encoder.dim,
        num_layers=LAYERS,
        module_shapes=SHAPES,
        lora=LORA,
        head_bias=not z_scores,
        z_scores=z_scores,
        dropout=0.0,
        **options,
    )
    return TextToLora(config, encoder=tiny.encoder())


def trainer(tiny, library, folder, kind="factorised", arch="L", **changes) -> ReconTrainer:
    factorized, z_scores = KINDS[kind]
    options = dict(steps=4, tasks_per_batch=2, save_every=2) | changes
    config = ReconConfig(factorized=factorized, **options)
    return ReconTrainer(generator(tiny, z_scores, arch), library, config, folder)


def lines(folder) -> list[dict]:
    found = [json.loads(text) for text in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if not k.startswith(("seconds", "tokens_per", "peak"))}
        for line in found
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_recon_loss_is_the_published_formula(tiny, library, tmp_path, kind):
    made = trainer(tiny, library, tmp_path, kind)
    made.start()
    codes, chosen = made.draw(0)
    loss = made.recon_loss.of(made.generator.latents(codes), chosen)
    made.generator.eval()
    adapters = made.generator(codes)
    total = 0.0
    for m in SHAPES:
        a, b = library.adapters.lora_a[m], library.adapters.lora_b[m]
        a_hat, b_hat = adapters.lora_a[m], adapters.lora_b[m]
        if kind == "factorised":
            gaps = [(a_hat - a[:, chosen]).abs(), (b_hat - b[:, chosen]).abs()]
            total += sum(0.5 * gap.mean() for gap in gaps)
        elif kind == "factorised, z-scores":
            for got, all_of in ((a_hat, a), (b_hat, b)):
                mean, std = all_of.mean(1, keepdim=True), all_of.std(1, keepdim=True)
                z = (all_of[:, chosen] - mean) / (std + 1e-10)
                z_hat = (got - mean) / (std + 1e-10)
                total += 0.5 * (z_hat - z).abs().mean()
        else:
            want = b[:, chosen].mT @ a[:, chosen]
            got = b_hat.mT @ a_hat
            scaled = (got - 1e4 * want) if kind == "ΔW" else 1e4 * (got - want)
            total += scaled.abs().mean()
    torch.testing.assert_close(loss, total / len(SHAPES), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "arch"),
    [
        pytest.param(
            kind,
            arch,
            marks=[pytest.mark.nightly] if arch != "L" and kind != "ΔW" else [],
            id=f"{kind}-{arch}",
        )
        for kind in KINDS
        for arch in ("L", "M", "S")
    ],
)
def test_recon_gives_back_the_library_in_the_adapters_own_size(tiny, library, tmp_path, kind, arch):
    steps = 400 if arch == "L" else 150
    made = trainer(
        tiny, library, tmp_path, kind, arch, steps=steps, tasks_per_batch=4, learning_rate=1e-2
    )
    made.train()
    made.finish()
    made.generator.save_pretrained(tmp_path / "saved")
    read = TextToLora.from_pretrained(tmp_path / "saved", encoder=tiny.encoder())
    batch = read.generate([texts[0] for texts in library.descriptions])

    def products(of: t2l.LoraBatch) -> torch.Tensor:
        return torch.cat([(of.lora_b[m].mT @ of.lora_a[m]).flatten(2) for m in SHAPES], -1)

    want, got = products(library.adapters), products(batch)
    average = want.mean(1, keepdim=True)
    left = (got - want).square().sum() / (want - average).square().sum()
    assert left < (0.25 if arch == "L" else 1.5)
    if arch == "L":
        gaps = (got[:, :, None] - want[:, None]).square().sum((0, 3))
        assert gaps.argmin(1).tolist() == list(range(COUNT))


@pytest.mark.parametrize("offset", ["fixed", "learnable"])
def test_recon_of_products_gives_adapters_with_offsets_their_own_size(
    tiny, library, tmp_path, offset
):
    """What generation gives has the loss that training ended with."""
    config = ReconConfig(
        steps=60, tasks_per_batch=4, save_every=60, learning_rate=1e-2, factorized=False
    )
    made = ReconTrainer(generator(tiny, False, offset=offset), library, config, tmp_path)
    offset_init(made.generator, library.adapters[0])
    made.train()
    ended = made.measure()["matched_loss"]
    made.finish()
    batch = made.generator.generate([texts[0] for texts in library.descriptions])
    losses = []
    for m in SHAPES:
        want = library.adapters.lora_b[m].mT @ library.adapters.lora_a[m]
        losses.append(1e4 * (batch.lora_b[m].mT @ batch.lora_a[m] - want).abs().mean())
        for rows, start in zip(
            made.generator.AB_offset.of(m),
            (library.adapters.lora_a[m][:, 0], library.adapters.lora_b[m][:, 0]),
            strict=True,
        ):
            moved = (rows - start).abs().max()
            assert moved < 1e-6 if offset == "fixed" else 1e-4 < moved < 1
    assert torch.stack(losses).mean().item() == pytest.approx(ended, rel=1e-3)


@pytest.mark.parametrize("offset", ["fixed", "learnable"])
def test_recon_of_factorised_z_scores_takes_no_offsets(tiny, library, tmp_path, offset):
    made = generator(tiny, True, offset=offset)
    with pytest.raises(ConfigError, match=f"offset must be 'none', got '{offset}'"):
        ReconTrainer(made, library, ReconConfig(steps=1), tmp_path)


def test_recon_of_z_scores_by_their_products_learns_offsets(tiny, library, tmp_path):
    made = generator(tiny, True, offset="learnable")
    config = ReconConfig(steps=2, factorized=False, eval_every=0)
    ReconTrainer(made, library, config, tmp_path).train()
    assert all(rows.any() for m in SHAPES for rows in made.AB_offset.of(m))


@pytest.mark.parametrize("kind", KINDS)
def test_recon_keeps_the_generator_of_the_last_checkpoint(tiny, library, tmp_path, kind):
    """As `finish` would leave it, and without moving what goes on."""

    def stop(line):
        if line["step"] == 2:
            raise KeyboardInterrupt

    made = trainer(tiny, library, tmp_path, kind)
    with pytest.raises(KeyboardInterrupt):
        made.train(on_step=stop)
    made.finish()
    last = TextToLora.from_pretrained(tmp_path / "last", encoder=tiny.encoder())
    for name, tensor in made.generator.state_dict().items():
        assert torch.equal(tensor, last.state_dict()[name]), name


def test_recon_ends_alike_however_often_it_saves(tiny, library, tmp_path):
    ended = []
    for every in (1, 4):
        made = trainer(tiny, library, tmp_path / str(every), "ΔW", save_every=every)
        made.train()
        ended.append(made.generator.state_dict())
    assert all(torch.equal(tensor, ended[1][name]) for name, tensor in ended[0].items())


@pytest.mark.parametrize("kind", ["factorised, z-scores", "ΔW"])
def test_recon_resumes_bitwise(tiny, library, tmp_path, kind):
    class Stop(Exception):
        pass

    def stop(line):
        if line["step"] == 3:
            raise Stop

    whole = trainer(tiny, library, tmp_path / "whole", kind)
    whole.train()
    with pytest.raises(Stop):
        trainer(tiny, library, tmp_path / "cut", kind).train(on_step=stop)
    again = trainer(tiny, library, tmp_path / "cut", kind)
    again.train(resume=True)
    assert lines(tmp_path / "whole") == lines(tmp_path / "cut")
    for name, tensor in whole.generator.state_dict().items():
        assert torch.equal(tensor, again.generator.state_dict()[name]), name


@pytest.mark.parametrize("kind", ["discrete", "vq", "softmax"])
def test_recon_with_other_task_encoders_learns_and_resumes_bitwise(tiny, library, tmp_path, kind):
    def make(folder):
        config = ReconConfig(steps=60, tasks_per_batch=4, save_every=20, learning_rate=1e-2)
        made = generator(tiny, False, task_encoder=kind)
        return ReconTrainer(made, library, config, tmp_path / folder)

    def stop(line):
        if line["step"] == 41:
            raise KeyboardInterrupt

    whole = make("whole")
    whole.train()
    with pytest.raises(KeyboardInterrupt):
        make("cut").train(on_step=stop)
    again = make("cut")
    again.train(resume=True)
    for name, tensor in whole.generator.state_dict().items():
        assert torch.equal(tensor, again.generator.state_dict()[name]), name
    found = lines(tmp_path / "whole")
    assert found == lines(tmp_path / "cut")
    assert found[-1]["loss"] < 0.8 * found[0]["loss"]
    assert all(("auxiliary_loss" in line) == (kind == "vq") for line in found)


def test_recon_refuses_what_does_not_fit(tiny, library, tmp_path):
    with pytest.raises(ConfigError, match="at most the 4 adapters"):
        trainer(tiny, library, tmp_path, tasks_per_batch=5)
    wrong = t2l.LoraBatch(
        t2l.LoraConfig(("q_proj",), 3, 6),
        {"q_proj": library.adapters.lora_a["q_proj"]},
        {"q_proj": library.adapters.lora_b["q_proj"]},
    )
    fewer = LoraLibrary(library.names, library.descriptions, wrong)
    with pytest.raises(AdapterMismatch, match="the library must have rank 3"):
        trainer(tiny, fewer, tmp_path)
    trainer(tiny, library, tmp_path).train()
    with pytest.raises(CheckpointError, match="holds .* already"):
        trainer(tiny, library, tmp_path).train()
    with pytest.raises(CheckpointError, match="belongs to another run"):
        trainer(tiny, library, tmp_path, learning_rate=5e-4).train(resume=True)


def test_recon_leaves_a_folder_that_holds_something_else_alone(tiny, library, tmp_path):
    library.save(tmp_path / "library")
    generator(tiny, False).save_pretrained(tmp_path / "generator")
    for name in ("library", "generator"):
        folder = tmp_path / name
        (folder / "metrics.jsonl").write_text("its own\n")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(CheckpointError, match=f"{name}.* already: name another folder"):
            trainer(tiny, library, folder).train()
        with pytest.raises(CheckpointError, match="there is no run to resume"):
            trainer(tiny, library, folder).train(resume=True)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_recon_reads_the_library_once_to_know_it_again(tiny, library, tmp_path, monkeypatch):
    made = trainer(tiny, library, tmp_path, steps=6)
    read, real = [], LoraBatch.parameters

    def parameters(batch):
        read.append(batch is made.recon_loss.targets)
        return real(batch)

    monkeypatch.setattr(LoraBatch, "parameters", parameters)
    made.train()
    assert read.count(True) == 1


def test_recon_z_scores_need_two_adapters(tiny, library, tmp_path):
    one = library.adapters
    single = t2l.LoraBatch(
        LORA,
        {m: t[:, :1] for m, t in one.lora_a.items()},
        {m: t[:, :1] for m, t in one.lora_b.items()},
    )
    alone = LoraLibrary(("a",), (("text",),), single)
    with pytest.raises(AdapterMismatch, match="at least 2 adapters"):
        trainer(tiny, alone, tmp_path, "factorised, z-scores", tasks_per_batch=1)


@pytest.mark.parametrize("kind", KINDS)
def test_recon_measures_whether_descriptions_matter(tiny, library, tmp_path, kind):
    options = dict(steps=150, tasks_per_batch=3, learning_rate=1e-2, eval_every=60)
    made = trainer(tiny, library, tmp_path, kind, **options)
    made.train()
    found = {line["step"]: line for line in lines(tmp_path) if "matched_loss" in line}
    assert list(found) == [60, 120, 150]
    last = found[150]
    assert last["matched_loss"] < 0.9 * last["shuffled_loss"]
    texts = [own[0] for own in library.descriptions]
    every = torch.arange(COUNT)
    with torch.no_grad():
        for key, told in (("matched_loss", every), ("shuffled_loss", (every + 2) % COUNT)):
            codes = made.generator.encode([texts[i] for i in told])
            whole = made.recon_loss.of(made.generator.latents(codes), every)
            assert last[key] == pytest.approx(whole.item(), rel=1e-4)


def test_recon_of_one_adapter_has_no_other_to_compare_with(tiny, library, tmp_path):
    one = library.adapters
    lora_a, lora_b = ({m: t[:, :1] for m, t in p.items()} for p in (one.lora_a, one.lora_b))
    alone = LoraLibrary(("a",), (("text",),), t2l.LoraBatch(LORA, lora_a, lora_b))
    made = trainer(tiny, alone, tmp_path, tasks_per_batch=1)
    made.start()
    assert list(made.measure()) == ["matched_loss"]


def test_recon_measures_what_ignores_descriptions_as_equal(tiny, library, tmp_path):
    made = trainer(tiny, library, tmp_path)
    made.start()
    with torch.no_grad():
        for head in made.generator.heads.values():
            head.weight.zero_()
    found = made.measure()
    assert found["matched_loss"] == pytest.approx(found["shuffled_loss"], rel=1e-6)
