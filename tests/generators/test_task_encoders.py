"""Task encoders: against straight-line fp64, their gradients, codebooks, checkpoints and runs."""

import copy
import json
import math
from dataclasses import replace

import pytest
import torch
import yaml

import t2l_fast as t2l
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.generators.parts.task_encoders import task_encoder

KINDS = ["linear", "discrete", "vq", "softmax"]
SIZES = {"v_proj": (12, 8), "up_proj": (12, 20)}
LAYERS, RANK, D = 3, 2, 10
ARCHS = {
    "L": {"arch": "L"},
    "M": {"arch": "M"},
    "S": {"arch": "S", "rank_positions": "learnable"},
    "L, rank by rank": {"arch": "L", "rank_rows": True, "rank_positions": "learnable"},
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def codes():
    return torch.randn(7, D, generator=torch.Generator().manual_seed(3))


def config_of(kind: str, **options) -> T2LConfig:
    options = {"arch": "L", "latent_size": 16, "head_in_size": 6, "dropout": 0.0} | options
    return T2LConfig(
        task_embedding_size=D,
        num_layers=LAYERS,
        module_shapes=SIZES,
        lora=t2l.LoraConfig(tuple(SIZES), RANK, 4),
        module_paths={m: tuple(f"model.layers.{i}.{m}" for i in range(LAYERS)) for m in SIZES},
        task_encoder=kind,
        **options,
    )


def trained(kind: str, **options) -> TextToLora:
    """As after training: no parameter is zero, codes matter, and codebooks have moved."""
    torch.manual_seed(1)
    generator = TextToLora(config_of(kind, **options))
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=0.3)
        for _ in range(3):
            generator(torch.randn(5, D, generator=draws))
    return generator.eval()


def silu(x):
    return x / (1 + torch.exp(-x))


def norm(w, name, x):
    centred = x - x.mean()
    scaled = centred / (centred.square().mean() + 1e-5).sqrt()
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def affine(w, name, x):
    return w[f"{name}.weight"] @ x + w[f"{name}.bias"]


def residual(w, name, x):
    y = silu(affine(w, f"{name}.mlp.1", norm(w, f"{name}.mlp.0", x)))
    return x + silu(affine(w, f"{name}.mlp.4", y))


def encoded(w, kind: str, code) -> torch.Tensor:
    """One task embedding, one step after the other, in eval mode."""
    first = affine(w, "task_encoder.mlp.0", code)
    if kind == "linear":
        return norm(w, "task_encoder.mlp.1", first)
    z = affine(w, "task_encoder.mlp.3", silu(first))
    if kind == "discrete":
        best = max(range(64), key=lambda i: z[i])
        return torch.tensor([float(i == best) for i in range(64)], dtype=z.dtype)
    book = w["task_encoder.embed"]
    if kind == "vq":
        gaps = [(z - book[:, i]).square().sum() for i in range(32)]
        return norm(w, "task_encoder.ln", book[:, min(range(32), key=lambda i: gaps[i])])
    shares = torch.exp(z) / torch.exp(z).sum()
    return norm(w, "task_encoder.ln", sum(shares[i] * book[i] for i in range(32)))


def written_out(w, config: T2LConfig, code, layer: int, module: str, part: str) -> torch.Tensor:
    """A or B `[rank, d]` of one layer and module for one code, row by row in fp64."""
    task = encoded(w, config.task_encoder, code)
    kind = list(SIZES).index(module)
    if config.task_encoder == "discrete":
        depth = torch.tensor([float(i == layer) for i in range(LAYERS)], dtype=task.dtype)
        place = torch.tensor([float(i == kind) for i in range(len(SIZES))], dtype=task.dtype)
    else:
        depth = w["layer_depth_encoder.0.weight"][layer]
        depth = norm(w, "layer_depth_encoder.1", depth)
        place = norm(w, "layer_type_encoder.1", w["layer_type_encoder.0.weight"][kind])
    x = torch.cat([task, depth, place])
    u = residual(w, "mlp1", silu(affine(w, "mixer.4", silu(affine(w, "mixer.1", x)))))
    if config.arch != "L":
        u = u + norm(w, "out_emb_norm", w[f"out_emb.{module}.{part}"])
    size_in, size_out = SIZES[module]
    rows = []
    for r in range(RANK):
        position = norm(w, "pos_emb.1", w["pos_emb.0.weight"][r]) if config.rank_by_rank else 0.0
        if config.arch == "L":
            here = residual(w, "mlp2", u + position)
        else:
            here = residual(w, "mlp2", u)
            if config.rank_by_rank:
                here = here + residual(w, "mlp2", position)
        y = silu(affine(w, "mlp3.4", silu(affine(w, "mlp3.1", norm(w, "mlp3.0", here)))))
        y = affine(w, f"heads.{module}", y)
        size = size_in if part == "A" else size_out
        width = size if config.arch == "L" else max(size_in, size_out)
        ranks = 1 if config.rank_by_rank else RANK
        start = 0 if part == "A" or config.arch != "L" else ranks * size_in
        rows.append(y[start + (0 if config.rank_by_rank else r) * width :][:size])
    return torch.stack(rows)


@pytest.mark.parametrize("arch", ARCHS)
def test_adapters_equal_the_network_written_out(kind, arch, codes):
    generator = trained(kind, **ARCHS[arch]).double()
    w = {name: t.detach() for name, t in generator.state_dict().items()}
    batch = generator.generate(codes=codes.double())
    for n in (0, 3):
        for module in SIZES:
            for part, made in (("A", batch.lora_a), ("B", batch.lora_b)):
                for layer in range(LAYERS):
                    want = written_out(w, generator.config, codes[n].double(), layer, module, part)
                    torch.testing.assert_close(made[module][layer, n], want)


@pytest.mark.parametrize("arch", ARCHS)
def test_parameters_are_counted_by_formula(kind, arch):
    config = config_of(kind, **ARCHS[arch])
    generator = TextToLora(config)
    assert config.num_parameters() == sum(p.numel() for p in generator.parameters())


def test_mistral_has_the_parameters_that_the_released_widths_give():
    """§1.4's formulae with §1.2's encoders: the linear L without its encoders, and theirs."""
    shapes = {"q_proj": (4096, 4096), "v_proj": (4096, 1024)}
    lora = t2l.LoraConfig(tuple(shapes), 8, 16, use_rslora=True)

    def count(kind: str) -> int:
        return T2LConfig("L", 128, 512, 1024, 32, shapes, lora, task_encoder=kind).num_parameters()

    rest = 55_424_000 - 65_728
    assert count("linear") == rest + 65_728
    assert count("vq") == rest + 1025 * 256 + 257 * 64 + 2 * 64
    assert count("softmax") == rest + 1025 * 256 + 257 * 32 + 32 * 64 + 2 * 64
    m, h = 64 + 32 + 2, 512
    trunk = 8 * m * m + 5 * m + 2 * (8 * m * m + 7 * m) + 4 * m * m + 6 * m + 4 * m * h + h
    assert count("discrete") == 1025 * 256 + 257 * 64 + trunk + 54_632_448


def test_every_code_stands_for_itself_whatever_its_company(kind, codes):
    generator = trained(kind)
    together = generator.generate(codes=codes)
    for n in range(len(codes)):
        alone = generator.generate(codes=codes[n : n + 1])
        for left, right in zip(together.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(left[:, n : n + 1], right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("way", ["generate", "eval", "cores", "deferred"])
def test_nothing_is_written_outside_training(kind, codes, way):
    generator = trained(kind, arch="S", rank_positions="learnable")
    before = {name: t.clone() for name, t in generator.state_dict().items()}
    name = generator.fingerprint
    if way == "generate":
        generator.train()  # generation is inference whatever the mode
        generator.generate(codes=codes)
    elif way == "cores":
        generator.cores(codes)
    elif way == "deferred":
        latents = generator.cut(generator.latents(codes))
        generator.deferred(latents).matrix("v_proj", 0, 0, torch.float32)
    else:
        generator(codes)
    assert generator.auxiliary_loss is None
    assert all(torch.equal(t, before[name]) for name, t in generator.state_dict().items())
    assert generator.fingerprint == name


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


def test_saved_and_read_back(kind, codes, tmp_path):
    generator = trained(kind)
    generator.save_pretrained(tmp_path)
    read = TextToLora.from_pretrained(tmp_path)
    assert read.config == generator.config and read.fingerprint == generator.fingerprint
    for mine, want in zip(
        read.generate(codes=codes).parameters(),
        generator.generate(codes=codes).parameters(),
        strict=True,
    ):
        assert torch.equal(mine, want)


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


def test_an_odd_trunk_can_not_be_turned():
    with pytest.raises(ConfigError, match='use rank_positions="learnable"'):
        config_of("discrete", arch="S")
    even = {"v_proj": SIZES["v_proj"]}
    odd = config_of("discrete", arch="L")
    made = replace(odd, arch="S", module_shapes=even, module_paths=None)
    assert made.trunk_width == 64 + LAYERS + 1
    assert len(TextToLora(made).generate(codes=torch.randn(2, D))) == 2


def write_sakana(folder, generator: TextToLora, **args) -> None:
    """A folder as the published trainer writes it, from a generator of ours."""
    state = dict(generator.state_dict())
    for name in ("AB_offset", "mean_recon_target", "std_recon_target"):
        for m, (size_in, size_out) in SIZES.items():
            state[f"{name}.A.{m}"] = torch.zeros(LAYERS, RANK, size_in)
            state[f"{name}.B.{m}"] = torch.zeros(LAYERS, size_out, RANK)
    torch.save(state, folder / "hypermod.pt")
    plain = {"training_task": "sft", "emb_model": "some/encoder", "model_dir": "some/base"}
    (folder / "args.yaml").write_text(yaml.safe_dump(plain | args))
    adapter = dict(peft_type="LORA", r=RANK, lora_alpha=4, target_modules=list(SIZES))
    (folder / "adapter_config.json").write_text(json.dumps(adapter))


@pytest.mark.parametrize("arch", ["L", "M", "S"])
def test_sakana_checkpoints_of_every_encoder_load(kind, arch, codes, tmp_path):
    generator = trained(kind, **ARCHS[arch])
    sizes = {"hypernet_latent_size": 16, "encoder_type": kind}
    write_sakana(tmp_path, generator, **sizes)
    read = TextToLora.from_pretrained(tmp_path)
    assert (read.config.task_encoder, read.config.latent_size) == (kind, 16)
    for mine, want in zip(
        read.generate(codes=codes).parameters(),
        generator.generate(codes=codes).parameters(),
        strict=True,
    ):
        assert torch.equal(mine, want)


def test_sakana_flags_of_encoders_must_agree_with_tensors(tmp_path):
    write_sakana(tmp_path, trained("vq"), encoder_type="softmax")
    with pytest.raises(CheckpointError, match="encoder_type 'vq', as the tensors are, got softmax"):
        TextToLora.from_pretrained(tmp_path)
    # what the released trainer makes of any flag
    write_sakana(tmp_path, trained("linear"), encoder_type="vq")
    assert TextToLora.from_pretrained(tmp_path).config.task_encoder == "linear"


@pytest.mark.parametrize("name", ["embed_avg", "cluster_size", "ln.weight", "mlp.3.bias"])
def test_sakana_codebooks_are_read_strictly(tmp_path, name):
    write_sakana(tmp_path, trained("vq"))
    state = torch.load(tmp_path / "hypermod.pt")
    del state[f"task_encoder.{name}"]
    torch.save(state, tmp_path / "hypermod.pt")
    with pytest.raises(CheckpointError, match="task_encoder"):
        TextToLora.from_pretrained(tmp_path)


def test_a_discrete_trunk_has_its_own_width():
    config = config_of("discrete")
    assert config.code_widths == (64, LAYERS, len(SIZES))
    assert config.trunk_width == 64 + LAYERS + len(SIZES) == 69
    assert math.prod(TextToLora(config).mixer[1].weight.shape) == 69 * 4 * 69
