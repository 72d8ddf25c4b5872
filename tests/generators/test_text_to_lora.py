"""TextToLora: against the written-out network, its gradients, under PEFT and in the bank."""

import copy
import math

import peft
import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.errors import ArgumentError, ConfigError, EncoderError
from t2l_fast.generators import TextToLora

WIDTH = 12  # d_e of the tiny configs


def tensors(batch) -> dict[str, torch.Tensor]:
    pairs = (("A", batch.lora_a), ("B", batch.lora_b))
    return {f"{m}.{part}": t for part, group in pairs for m, t in group.items()}


def assert_same(left, right, **tolerance) -> None:
    torch.testing.assert_close(tensors(left), tensors(right), **tolerance)


def _norm(w, name, x):
    centred = x - x.mean()
    return (
        centred / (centred.square().mean() + 1e-5).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]
    )


def _affine(w, name, x):
    y = w[f"{name}.weight"] @ x
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def _silu(x):
    return x / (1 + torch.exp(-x))


def _residual(w, name, x):
    y = _silu(_affine(w, f"{name}.mlp.1", _norm(w, f"{name}.mlp.0", x)))
    return x + _silu(_affine(w, f"{name}.mlp.4", y))


def _head(w, module, x):
    y = _silu(_affine(w, "mlp3.1", _norm(w, "mlp3.0", x)))
    return _affine(w, f"heads.{module}", _silu(_affine(w, "mlp3.4", y)))


def _turned(x, position):
    """Coordinate i is paired with i + m/2 and turned by position · 10000^(−2i/m)."""
    half, out = len(x) // 2, torch.empty_like(x)
    for i in range(half):
        angle = position * 10000.0 ** (-2 * i / len(x))
        c, s = math.cos(angle), math.sin(angle)
        out[i], out[i + half] = x[i] * c - x[i + half] * s, x[i + half] * c + x[i] * s
    return out


def written_out(generator: TextToLora, codes: torch.Tensor) -> dict[str, torch.Tensor]:
    """The network of Charakorn et al. (2025), one row at a time, in fp64."""
    config = generator.config
    w = {name: t.detach().double() for name, t in generator.state_dict().items()}
    rank, layers, count = config.lora.rank, config.num_layers, len(codes)
    out = {}
    for kind, (key, (size_in, size_out)) in enumerate(config.module_shapes.items()):
        module, sizes = key.replace(".", "/"), {"A": size_in, "B": size_out}
        for part, size in sizes.items():
            out[f"{key}.{part}"] = torch.empty(layers, count, rank, size, dtype=torch.float64)
        for layer in range(layers):
            for n in range(count):
                task = _affine(w, "task_encoder.mlp.0", codes[n].double())
                task = _norm(w, "task_encoder.mlp.1", task)
                name = "layer_depth_encoder"
                depth = _norm(w, f"{name}.1", w[f"{name}.0.weight"][layer])
                name = "layer_type_encoder"
                place = _norm(w, f"{name}.1", w[f"{name}.0.weight"][kind])
                x = _silu(_affine(w, "mixer.1", torch.cat([task, depth, place])))
                u = _residual(w, "mlp1", _silu(_affine(w, "mixer.4", x)))
                if config.arch == "L":
                    y = _head(w, module, _residual(w, "mlp2", u))
                    for r in range(rank):
                        start = r * size_in
                        out[f"{key}.A"][layer, n, r] = y[start : start + size_in]
                        start = rank * size_in + r * size_out
                        out[f"{key}.B"][layer, n, r] = y[start : start + size_out]
                    continue
                for part, size in sizes.items():
                    asked = _norm(w, "out_emb_norm", w[f"out_emb.{module}.{part}"])
                    v = _residual(w, "mlp2", u + asked)
                    for r in range(rank):
                        if config.arch == "M":
                            y, start = _head(w, module, v), r * max(size_in, size_out)
                        else:
                            y, start = _head(w, module, _residual(w, "mlp2", _turned(v, r))), 0
                        out[f"{key}.{part}"][layer, n, r] = y[start : start + size]
    return out


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("head_bias", [True, False], ids=["bias", "nobias"])
def test_adapters_are_those_of_the_written_out_network(tiny, arch, name, head_bias, codes):
    generator = tiny.trained(arch, name, head_bias=head_bias).double()
    shapes = generator.config.module_shapes.values()
    assert any(i > o for i, o in shapes) or name == "gpt2"
    assert any(i < o for i, o in shapes)
    expected = written_out(generator, codes)
    # rotary angles are fp32, as in LLaMA
    torch.testing.assert_close(tensors(generator(codes.double())), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("trains", [True, False], ids=["train", "eval"])
def test_many_at_once_equal_each_alone(tiny, arch, codes, trains):
    generator = tiny.trained(arch).train(trains)
    together = generator.generate(codes=codes)
    for i, row in enumerate(codes):
        assert_same(generator.generate(codes=row[None])[0], together[i], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together.lora_a["v_proj"][:, 0], together.lora_a["v_proj"][:, 1])


def test_no_code_gives_no_adapter(tiny, arch, codes):
    assert len(tiny.trained(arch).generate(codes=codes[:0])) == 0


def test_rank_rows_of_s_differ_by_their_position_only(tiny, codes):
    generator = tiny.trained("S")
    rows = generator.latents(codes)  # [modules, 2, layers, N, rank, h]
    for r in range(1, generator.config.lora.rank):
        assert (rows[..., r, :] - rows[..., 0, :]).abs().amax(-1).min() > 1e-3
    for parameter in generator.out_emb_norm.parameters():
        nn.init.zeros_(parameter)
    generator.mlp1 = nn.Sequential(_Zero())
    still = generator.latents(codes)
    generator.mlp2 = nn.Identity()
    assert still.shape == rows.shape
    # a zero vector can't be turned
    assert generator.latents(codes).std(-2).max() < 1e-6


class _Zero(nn.Module):
    def forward(self, x):
        return torch.zeros_like(x)


@pytest.mark.parametrize("trains", [True, False], ids=["train", "eval"])
def test_generate_drops_nothing_and_leaves_the_mode_alone(tiny, arch, codes, trains):
    generator = tiny.trained(arch, dropout=0.5).train(trains)
    first, second = (generator.generate(codes=codes) for _ in range(2))
    assert_same(first, second, rtol=0, atol=0)
    assert generator.training == generator.mixer[0].training == trains
    assert not first.lora_a["v_proj"].requires_grad
    with pytest.raises(ArgumentError):
        generator.generate(codes=codes[:, :-1])
    assert generator.training == trains
    if trains:
        assert not torch.allclose(generator(codes).lora_a["v_proj"], first.lora_a["v_proj"])


@pytest.mark.parametrize(
    "given",
    [{}, {"conditions": ["a"], "codes": torch.zeros(1, 12)}, {"conditions": "a"}],
    ids=["neither", "both", "str"],
)
def test_generate_takes_conditions_or_codes(tiny, given):
    with pytest.raises(ArgumentError):
        tiny.trained("L").generate(**given)


@pytest.mark.parametrize("shape", [(12,), (2, 11), (1, 2, 12)], ids=str)
def test_codes_of_another_shape_are_refused(tiny, shape):
    with pytest.raises(ArgumentError, match="12"):
        tiny.trained("L")(torch.zeros(shape))


def test_conditions_need_an_encoder(tiny):
    with pytest.raises(ConfigError, match="encoder"):
        tiny.trained("L").generate(["Sort."])


def test_one_hot_conditions_are_task_names(tiny, arch):
    options = dict(encoder="one_hot", task_names=("sort", "add"), task_embedding_size=2)
    generator = tiny.trained(arch, **options)
    assert_same(
        generator.generate(["add", "sort"]),
        generator.generate(codes=torch.tensor([[0.0, 1.0], [1.0, 0.0]])),
        rtol=0,
        atol=0,
    )
    with pytest.raises(EncoderError, match="multiply"):
        generator.generate(["multiply"])


def loss_of(model, adapters, generator, codes, tokens):
    with adapters.use(torch.tensor([2, 0, 1]), weights=generator(codes)):
        logits = model(input_ids=tokens).logits
    return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def test_gradients_reach_every_parameter(tiny, arch, codes, tokens):
    model = tiny.build().requires_grad_(False)
    generator = tiny.trained(arch).train()
    adapters = t2l.attach(model, generator.config.lora, num_slots=0)
    loss_of(model, adapters, generator, codes, tokens).backward()
    dead = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert not dead


def test_gradients_are_finite_differences(tiny, arch, codes, tokens):
    # Llama's norms are fp32 in any dtype; GPT-2 is fp64 throughout
    model = tiny.build("gpt2").requires_grad_(False).double()
    generator = tiny.trained(arch, "gpt2", std=0.1).double()
    adapters = t2l.attach(model, generator.config.lora, num_slots=0)
    loss_of(model, adapters, generator, codes, tokens).backward()
    names = ["task_encoder.mlp.0.weight", "layer_depth_encoder.0.weight", "mixer.4.bias"]
    names += ["mlp2.mlp.1.weight", "heads.c_fc.bias", "heads.attn/c_proj.weight"]
    names += [] if arch == "L" else ["out_emb.c_fc.B"]
    parameters, step = dict(generator.named_parameters()), 1e-5
    for name in names:
        place = int(parameters[name].grad.abs().argmax())
        entry, losses = parameters[name].data.view(-1), []
        for move in (step, -2 * step):
            entry[place] += move
            with torch.no_grad():
                losses.append(loss_of(model, adapters, generator, codes, tokens))
        entry[place] += step
        slope, exact = (losses[0] - losses[1]) / (2 * step), parameters[name].grad.view(-1)[place]
        torch.testing.assert_close(slope, exact, rtol=1e-5, atol=1e-9, msg=name)


@torch.no_grad()
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_plain_peft_gives_our_logits(tiny, arch, name, codes, tokens, tmp_path):
    model, generator = tiny.build(name), tiny.trained(arch, name, std=0.1)
    batch = generator.generate(codes=codes)
    batch[1].save_pretrained(tmp_path)
    wrapped = peft.PeftModel.from_pretrained(copy.deepcopy(model), tmp_path).eval()
    expected, base = wrapped(input_ids=tokens).logits, model(input_ids=tokens).logits
    adapters = t2l.attach(model, generator.config.lora, num_slots=0)
    with adapters.use(torch.tensor([1, 1, 1]), weights=batch):
        ours = model(input_ids=tokens).logits
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
    assert (ours - base).abs().max() > 1e-2


@torch.no_grad()
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_bank_makes_what_generate_makes(tiny, arch, name, codes, tokens):
    model, generator = tiny.build(name), tiny.trained(arch, name, std=0.1)
    lora = generator.config.lora
    adapters = t2l.attach(model, lora, num_slots=2, generator=generator)
    first, second, third = adapters.bank.register(codes=codes)
    batch = generator.generate(codes=codes.half())
    cases = [([first, None, second], [0, -1, 1]), ([third, first, third], [2, 0, 2])]
    cases += [([second, second, third], [1, 1, 2])]
    for ids, rows in cases:
        with adapters.bank.lease(ids) as lease, adapters.use(lease):
            leased = model(input_ids=tokens).logits
        with adapters.use(torch.tensor(rows), weights=batch):
            direct = model(input_ids=tokens).logits
        torch.testing.assert_close(leased, direct, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_bank_takes_texts(tiny, tokens):
    options = dict(encoder="one_hot", task_names=("sort", "add"), task_embedding_size=2)
    model, generator = tiny.build(), tiny.trained("L", std=0.1, **options)
    adapters = t2l.attach(model, generator.config.lora, num_slots=2, generator=generator)
    (add,) = adapters.bank.register(texts=["add"])
    with adapters.bank.lease([add, None, add]) as lease, adapters.use(lease):
        leased = model(input_ids=tokens).logits
    with adapters.use(torch.tensor([0, -1, 0]), weights=generator.generate(["add"])):
        direct = model(input_ids=tokens).logits
    torch.testing.assert_close(leased, direct, rtol=1e-4, atol=1e-4)


class Uneven:
    """Rows whose first number is far larger than the rest, as hidden states have."""

    name, dim = "uneven", WIDTH

    def encode(self, texts):
        if not texts:
            return torch.empty(0, WIDTH)
        rows = torch.stack([
            torch.randn(WIDTH, generator=torch.Generator().manual_seed(len(text)))
            for text in texts
        ])  # fmt: skip
        return rows * torch.tensor([100.0, *[1.0] * (WIDTH - 1)]) + 50.0


def test_standardised_codes_have_the_training_descriptions_mean_and_deviation(tiny, tmp_path):
    generator = TextToLora(tiny.config("L", standardise_codes=True), encoder=Uneven())
    texts = ["a" * n for n in range(1, 40)]
    generator.standardise(texts)
    rows = Uneven().encode(texts)
    plain = (rows - rows.mean(0)) / rows.std(0)
    codes = generator.encode(texts)
    torch.testing.assert_close(codes, plain / plain.norm(dim=1, keepdim=True) * WIDTH**0.5)
    assert codes.std(0).max() < 1.5 and generator.encode([]).shape == (0, WIDTH)
    generator.save_pretrained(tmp_path, dtype=torch.float16)
    read = TextToLora.from_pretrained(tmp_path, encoder=Uneven())
    torch.testing.assert_close(read.encode(texts), codes)
    assert read.fingerprint != generator.fingerprint  # rounded weights


def test_only_standardised_generators_take_statistics(tiny):
    with pytest.raises(ConfigError, match="standardise_codes=True"):
        TextToLora(tiny.config("L"), encoder=Uneven()).standardise(["a"])
