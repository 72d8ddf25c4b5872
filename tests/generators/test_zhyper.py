"""Zhyper: its size, its formula, and its adapters as cores over shared bases."""

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import ConfigError
from t2l_fast.generators import Zhyper, ZhyperConfig

WIDTH = 12


@pytest.fixture(params=["diagonal", "full"])
def modulation(request):
    return request.param


def small(tiny, modulation: str) -> Zhyper:
    """As after training: no parameter is zero."""
    torch.manual_seed(1)
    lora = t2l.LoraConfig(("v_proj", "up_proj"), rank=3, alpha=6)
    config = ZhyperConfig.for_model(
        tiny.build(),
        lora=lora,
        latent_size=8,
        head_in_size=6,
        task_embedding_size=WIDTH,
        modulation=modulation,
    )
    generator = Zhyper(config).eval()
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=0.3)
    return generator


@pytest.mark.parametrize(
    ("modulation", "parameters"), [("diagonal", 4_207_632), ("full", 4_265_088)]
)
def test_mistral_7b_has_the_published_number_of_parameters(modulation, parameters):
    shapes = {"q_proj": (4096, 4096), "v_proj": (4096, 1024)}
    lora = t2l.LoraConfig(("q_proj", "v_proj"), rank=8, alpha=16)
    config = ZhyperConfig(128, 512, 1024, 32, shapes, lora, modulation)
    assert config.num_parameters() == parameters
    with torch.device("meta"):
        assert sum(p.numel() for p in Zhyper(config).parameters()) == parameters


def test_the_formula_in_fp64(tiny, modulation, codes):
    generator = small(tiny, modulation)
    s = {name: t.double() for name, t in generator.state_dict().items()}

    def linear(name, x):
        return x @ s[f"{name}.weight"].T + s[f"{name}.bias"]

    def norm(name, x):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * s[f"{name}.weight"] + s[f"{name}.bias"]

    def silu(x):
        return x / (1 + (-x).exp())

    def block(name, first, x):
        return silu(linear(f"{name}.{first + 3}", silu(linear(f"{name}.{first}", x))))

    batch = generator.generate(codes=codes)
    for kind, m in enumerate(generator.config.module_shapes):
        for layer in range(generator.config.num_layers):
            for n, code in enumerate(codes.double()):
                task = norm("task_encoder.mlp.1", linear("task_encoder.mlp.0", code))
                depth = norm("layer_depth_encoder.1", s["layer_depth_encoder.0.weight"][layer])
                type_ = norm("layer_type_encoder.1", s["layer_type_encoder.0.weight"][kind])
                x = block("mixer", 1, torch.cat([task, depth, type_]))
                for mlp in ("mlp1", "mlp2"):
                    x = x + block(f"{mlp}.mlp", 1, norm(f"{mlp}.mlp.0", x))
                h = linear("mlp3.4", silu(linear("mlp3.1", norm("mlp3.0", x))))
                h = silu(h)
                z = linear(f"heads.{m}", h)
                z = z.view(3, 3) if modulation == "full" else z.diag()
                want = s[f"lora_b.{m}"][layer].T @ z @ s[f"lora_a.{m}"][layer]
                a, b = batch.lora_a[m][layer, n], batch.lora_b[m][layer, n]
                torch.testing.assert_close((b.T @ a).double(), want, rtol=1e-4, atol=1e-5)


def test_a_new_generator_is_a_plain_lora(tiny, modulation, codes):
    generator = Zhyper(small(tiny, modulation).config)
    batch = generator.generate(codes=codes)
    for m in batch.lora_a:
        assert torch.equal(batch.lora_a[m][:, 0], generator.lora_a[m])
        assert torch.equal(batch.lora_a[m][:, 0], batch.lora_a[m][:, 2])
        assert not batch.lora_b[m].any()


def test_cores_over_shared_bases_give_the_logits_of_a_and_b(tiny, modulation, codes, tokens):
    generator = small(tiny, modulation)
    logits = []
    for materialise in (True, False):
        model = tiny.build()
        adapters = t2l.attach(
            model,
            generator.config.lora,
            num_slots=4,
            generator=generator,
            materialise=materialise,
        )
        ids = adapters.bank.register(codes=codes)
        with torch.no_grad(), adapters.bank.lease(ids) as lease, adapters.use(lease):
            logits.append(model(input_ids=tokens).logits)
        if not materialise:
            assert adapters.slab.bytes_per_slot == 2 * 2 * 2 * 3 * 3 * 4  # sites · two cores · fp32
        adapters.detach()
    torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        plain = tiny.build()(input_ids=tokens).logits
    assert (logits[1] - plain).abs().max() > 0.1


def test_an_unknown_modulation_is_refused(tiny):
    with pytest.raises(ConfigError, match="modulation"):
        small(tiny, "rows")


def test_deferred_adapters_have_the_gradients_of_materialised_ones(tiny, modulation, codes, tokens):
    found = []
    for deferred in (True, False):
        generator = small(tiny, modulation).double()
        model = tiny.build().double().requires_grad_(False)
        adapters = t2l.attach(model, generator.config.lora, num_slots=0)
        own = codes.double().requires_grad_()
        latents = generator.latents(own)
        cut = generator.cut(latents)
        batch = generator.deferred(cut) if deferred else generator.adapters(latents)
        with adapters.use(torch.tensor([0, -1, 2]), weights=batch):
            model(tokens).logits.log_softmax(-1)[..., 5].mean().backward()
        found.append([own.grad, *(p.grad for p in generator.parameters())])
    assert all(g is not None and g.any() for g in found[0])
    for mine, expected in zip(*found, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-12)
