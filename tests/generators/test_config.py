"""T2LConfig: the published parameter counts, fitting a model, refusals, JSON and back."""

import json
from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import ConfigError, SiteNotFound
from t2l_fast.generators import T2LConfig, TextToLora

MISTRAL = (32, {"q_proj": (4096, 4096), "v_proj": (4096, 1024)})
GEMMA = (26, {"q_proj": (2304, 2048), "v_proj": (2304, 1024)})
# (with head bias, without) of L, M and S, from the shapes of the authors' code
COUNTS = {
    ("mistral", 128, 512): (
        (55_424_000, 55_317_504),
        (34_412_288, 34_346_752),
        (4_994_816, 4_986_624),
    ),
    ("mistral", 512, 2048): (
        (230_027_264, 229_920_768),
        (146_103_296, 146_037_760),
        (28_605_440, 28_597_248),
    ),
    ("gemma2", 128, 512): (
        (32_310_080, 32_248_640),
        (19_703_360, 19_666_496),
        (3_156_032, 3_151_424),
    ),
    ("gemma2", 512, 2048): (
        (137_706_752, 137_645_312),
        (87_353_600, 87_316_736),
        (21_261_056, 21_256_448),
    ),
}
TABLE = [
    pytest.param(base, m, h, arch, bias, count, id=f"{base}-{m}x{h}-{arch}-{word}")
    for (base, m, h), rows in COUNTS.items()
    for arch, pair in zip("LMS", rows, strict=True)
    for bias, word, count in zip((True, False), ("bias", "nobias"), pair, strict=True)
]


def published(base: str, m: int, h: int, arch: str, bias: bool, **options) -> T2LConfig:
    layers, shapes = MISTRAL if base == "mistral" else GEMMA
    return T2LConfig(
        arch=arch,
        latent_size=m,
        head_in_size=h,
        num_layers=layers,
        module_shapes=shapes,
        lora=t2l.LoraConfig(tuple(shapes), rank=8, alpha=16),
        head_bias=bias,
        **{"task_embedding_size": 1024} | options,
    )


def parameters_on_meta(config: T2LConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in TextToLora(config).parameters() if p.requires_grad)


@pytest.mark.parametrize(("base", "m", "h", "arch", "bias", "count"), TABLE)
def test_parameters_are_those_of_the_paper(base, m, h, arch, bias, count):
    config = published(base, m, h, arch, bias)
    assert config.num_parameters() == count
    assert parameters_on_meta(config) == count


@pytest.mark.parametrize(
    ("width", "count"), [(4096, 55_620_608), (479, 55_389_120)], ids=["llm-encoder", "one-hot"]
)
def test_the_encoder_changes_only_the_first_layer(width, count):
    config = published("mistral", 128, 512, "L", True, task_embedding_size=width)
    assert config.num_parameters() == parameters_on_meta(config) == count


def test_weights_are_named_as_in_published_checkpoints():
    with torch.device("meta"):
        names = TextToLora(published("gemma2", 128, 512, "M", True)).state_dict().keys()
    layers = {
        "task_encoder.mlp": (0, 1),
        "layer_depth_encoder": (1,),
        "layer_type_encoder": (1,),
        "mixer": (1, 4),
        "mlp1.mlp": (0, 1, 4),
        "mlp2.mlp": (0, 1, 4),
        "mlp3": (0, 1, 4),
        "heads": ("q_proj", "v_proj"),
    }
    expected = {
        f"{block}.{index}.{part}"
        for block, indices in layers.items()
        for index in indices
        for part in ("weight", "bias")
    }
    expected |= {"layer_depth_encoder.0.weight", "layer_type_encoder.0.weight"}
    expected |= {f"out_emb.{m}.{x}" for m in ("q_proj", "v_proj") for x in "AB"}
    assert names == expected | {"out_emb_norm.weight", "out_emb_norm.bias"}


def test_for_model_reads_shapes_and_paths(tiny):
    lora = t2l.LoraConfig(("v_proj", "down_proj"), rank=2, alpha=4)
    config = T2LConfig.for_model(tiny.build(), lora=lora, task_embedding_size=7, base_model="b")
    assert config.module_shapes == {"v_proj": (32, 16), "down_proj": (48, 32)}
    assert config.module_paths == {
        "v_proj": ("model.layers.0.self_attn.v_proj", "model.layers.1.self_attn.v_proj"),
        "down_proj": ("model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj"),
    }
    assert (config.num_layers, config.lora, config.base_model) == (2, lora, "b")
    assert (config.arch, config.latent_size, config.head_in_size) == ("L", 128, 512)


def test_for_model_excludes_and_refuses_uneven_depth(tiny):
    model, one = tiny.build(), "model.layers.0.self_attn.v_proj"
    lora = t2l.LoraConfig(("v_proj", "up_proj"), rank=2, alpha=4)
    with pytest.raises(ConfigError, match="as many layers"):
        T2LConfig.for_model(model, lora=lora, task_embedding_size=7, exclude=(one,))
    config = T2LConfig.for_model(model, lora=lora, task_embedding_size=7, exclude=("v_proj",))
    assert list(config.module_shapes) == ["up_proj"]
    with pytest.raises(SiteNotFound, match="v_proj"):
        T2LConfig.for_model(
            model, lora=t2l.LoraConfig(("v_prj",), rank=2, alpha=4), task_embedding_size=7
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("arch", "XL"),
        ("task_encoder", "quantised"),
        ("latent_size", 10),
        ("latent_size", 0),
        ("head_in_size", 2.5),
        ("task_embedding_size", True),
        ("num_layers", -1),
        ("dropout", 1.0),
        ("dropout", float("nan")),
        ("module_shapes", {}),
        ("module_shapes", {"v_proj": (32, 0), "up_proj": (32, 48)}),
        ("module_shapes", {"v_proj": (32,), "up_proj": (32, 48)}),
        ("module_shapes", {"v_proj": (32.5, 16), "up_proj": (32, 48)}),
        ("module_paths", {"v_proj": ("a", "b")}),
        ("module_paths", {"v_proj": ("a", "b"), "up_proj": ("c",)}),
        ("prompt_template", "no place for it"),
        ("prompt_template", "{input} {input}"),
        ("encoder", "one_hot"),
    ],
    ids=lambda value: str(value).replace(" ", "")[:40],
)
def test_bad_values_are_refused(tiny, field, value):
    with pytest.raises(ConfigError, match="task_names" if value == "one_hot" else field):
        replace(tiny.config("L"), **{field: value})


def test_json_and_back(tiny, arch):
    config = tiny.config(
        arch,
        head_bias=False,
        base_model="smollm2",
        encoder="one_hot",
        task_embedding_size=2,
        task_names=("sort", "add"),
        dropout=0.1,
        prompt_template="Q: {input}\nA:",
    )
    assert T2LConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_optional_fields_may_be_missing(tiny):
    config = tiny.config("S")
    plain = config.to_dict()
    for name in ("head_bias", "base_model", "encoder", "task_encoder", "dropout", "task_names"):
        del plain[name]
    assert T2LConfig.from_dict(plain) == config


@pytest.mark.parametrize(
    "name",
    [
        "arch",
        "latent_size",
        "head_in_size",
        "task_embedding_size",
        "num_layers",
        "module_shapes",
        "lora",
    ],
)
def test_missing_fields_are_refused(tiny, name):
    plain = tiny.config("L").to_dict()
    del plain[name]
    with pytest.raises(ConfigError, match=name):
        T2LConfig.from_dict(plain)


@pytest.mark.parametrize(
    "odd",
    [
        {"colour": "red"},
        {"lora": "r=8"},
        {"lora": {"r": 8}},
        {"module_shapes": 3},
        {"module_shapes": "abc"},
        {"module_shapes": {"v_proj": 3}},
        {"module_shapes": {"v_proj": ["a", "b"]}},
        {"latent_size": "8"},
        {"dropout": "much"},
        {"task_names": 3},
        {"prompt_template": 3},
    ],
    ids=lambda odd: json.dumps(odd).replace(" ", ""),
)
def test_unknown_fields_and_wrong_types_are_refused(tiny, odd):
    with pytest.raises(ConfigError):
        T2LConfig.from_dict(tiny.config("L").to_dict() | odd)
