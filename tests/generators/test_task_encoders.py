"""Task encoders: the network written out, counts, company, files."""

import math
from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import ConfigError
from t2l_fast.generators import T2LConfig, TextToLora
from tests.generators.task_encoder_networks import (
    ARCHS,
    KINDS,
    LAYERS,
    SIZES,
    D,
    assert_same_adapters,
    config_of,
    trained,
    written_out,
)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def codes():
    return torch.randn(7, D, generator=torch.Generator().manual_seed(3))


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


def test_saved_and_read_back(kind, codes, tmp_path):
    generator = trained(kind)
    generator.save_pretrained(tmp_path)
    read = TextToLora.from_pretrained(tmp_path)
    assert read.config == generator.config and read.fingerprint == generator.fingerprint
    assert_same_adapters(read, generator, codes)


def test_an_odd_trunk_can_not_be_turned():
    with pytest.raises(ConfigError, match='use rank_positions="learnable"'):
        config_of("discrete", arch="S")
    even = {"v_proj": SIZES["v_proj"]}
    odd = config_of("discrete", arch="L")
    made = replace(odd, arch="S", module_shapes=even, module_paths=None)
    assert made.trunk_width == 64 + LAYERS + 1
    assert len(TextToLora(made).generate(codes=torch.randn(2, D))) == 2


def test_a_discrete_trunk_has_its_own_width():
    config = config_of("discrete")
    assert config.code_widths == (64, LAYERS, len(SIZES))
    assert config.trunk_width == 64 + LAYERS + len(SIZES) == 69
    assert math.prod(TextToLora(config).mixer[1].weight.shape) == 69 * 4 * 69
