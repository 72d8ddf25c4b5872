"""Sakana's checkpoints: folders as documented, against a straight-line fp64 forward pass."""

import string

import pytest
import torch
import transformers as tf
from tokenizers import Tokenizer, models, pre_tokenizers

import t2l_fast as t2l
from t2l_fast.cli.init import config_of
from t2l_fast.generators import T2LConfig, TextToLora
from tests.generators import sakana_folders
from tests.generators.sakana_folders import (
    LAYERS,
    SIZES,
    TRAINED,
    VARIANTS,
    WIDTH,
    equals_published,
    write,
)
from tests.generators.task_encoder_networks import assert_same_adapters


@pytest.mark.parametrize("training", TRAINED)
@pytest.mark.parametrize("variant", VARIANTS)
def test_sakana_checkpoints_generate_what_is_published(tmp_path, variant, training):
    args = VARIANTS[variant] | TRAINED[training]
    head_bias = args["training_task"] == "sft"
    state = write(tmp_path, args, head_bias=head_bias)
    equals_published(tmp_path, state, args)


@pytest.mark.parametrize("variant", VARIANTS)
def test_sakana_checkpoints_saved_as_ours_generate_the_same(tmp_path, variant):
    args = VARIANTS[variant] | TRAINED["sft with offsets"]
    write(tmp_path / "theirs", args)
    theirs = TextToLora.from_pretrained(tmp_path / "theirs")
    theirs.save_pretrained(tmp_path / "ours")
    ours = TextToLora.from_pretrained(tmp_path / "ours")
    code = torch.randn(1, WIDTH)
    assert_same_adapters(ours, theirs, code)
    assert ours.config == theirs.config


def test_sakana_scaling_is_chosen_and_written_into_exported_adapters(tmp_path):
    write(tmp_path, TRAINED["sft"])
    found = {}
    for scaling in (None, "published-eval", "train"):
        generator = TextToLora.from_pretrained(tmp_path, scaling=scaling)
        made = generator.generate(codes=torch.zeros(1, WIDTH))[0]
        made.save_pretrained(tmp_path / f"adapter {scaling}")
        read = t2l.LoraWeights.from_pretrained(tmp_path / f"adapter {scaling}")
        found[scaling] = read.config.use_rslora, read.config.scaling
    assert found == {None: (False, 4.0), "published-eval": (False, 4.0), "train": (True, 8.0)}
    assert read.paths["up_proj"][2] == "model.layers.2.mlp.up_proj"


def test_sakana_generators_are_trained_on_with_the_scale_of_their_training(tmp_path):
    """What `t2l train sft --init` does, for adapters of the size that the next step expects."""
    write(tmp_path, TRAINED["sft"])
    lora = config_of(str(tmp_path)).lora
    assert (lora.use_rslora, lora.scaling) == (True, 8.0)


def test_sakana_module_order_is_that_of_adapter_config_or_what_is_given(tmp_path):
    args = TRAINED["sft"]
    state = write(tmp_path, args, order=reversed(SIZES))
    equals_published(tmp_path, state, args, order=list(SIZES))
    with pytest.raises(AssertionError):
        equals_published(tmp_path, state, args)


@pytest.mark.parametrize(
    ("named", "encoder"),
    [
        ("some/encoder", "some/encoder"),
        ("", "causal:mistralai/Mistral-7B-Instruct-v0.2"),
        (None, None),
    ],
    ids=["a model", "the base", "unknown"],
)
def test_sakana_config_names_base_and_encoder(tmp_path, named, encoder):
    write(tmp_path, TRAINED["sft"] | {"emb_model": named})
    config = TextToLora.from_pretrained(tmp_path).config
    assert config.base_model == "mistralai/Mistral-7B-Instruct-v0.2"
    assert config.encoder == encoder
    assert isinstance(config, T2LConfig) and config.num_layers == LAYERS


@torch.no_grad()
def test_sakana_generators_without_an_encoder_read_the_bases_last_token(tiny, tmp_path):
    """Last hidden state of the prepared text's last token, of length √d_e (§1.1)."""
    vocabulary = {text: i for i, text in enumerate(("<pad>", "<unk>", *string.printable[:59]))}
    spelled = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    spelled.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = tf.PreTrainedTokenizerFast(
        tokenizer_object=spelled, pad_token="<pad>", unk_token="<unk>"
    )
    base = tiny.build()
    base.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    args = TRAINED["sft"] | {"emb_model": "", "model_dir": str(tmp_path / "base")}
    write(tmp_path / "theirs", args)
    generator = TextToLora.from_pretrained(tmp_path / "theirs")
    texts = ["Name the letter", "and what comes then?"]
    for text, row in zip(("Name the letter.", texts[1]), generator.encode(texts), strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        last = base(input_ids=ids, output_hidden_states=True).hidden_states[-1][0, -1]
        expected = last / last.norm() * len(last) ** 0.5
        torch.testing.assert_close(row, expected, rtol=1e-4, atol=1e-4)


def test_sakana_one_hot_generators_know_their_tasks(tmp_path):
    names = [f"lol_{i:03}" for i in range(WIDTH)]
    args = TRAINED["sft"] | {"use_one_hot_task_emb": True, "train_ds_names": names}
    write(tmp_path, args)
    generator = TextToLora.from_pretrained(tmp_path)
    assert generator.encode(names[3:4]).argmax() == 3
    assert len(generator.generate([names[0], names[5]])) == 2


def test_sakana_mistral_config_has_the_published_number_of_parameters(tmp_path, monkeypatch):
    """Shapes alone, as the released checkpoint's table says (§1.4)."""
    sizes = {"q_proj": (4096, 4096), "v_proj": (4096, 1024)}
    for name, value in (("SIZES", sizes), ("LAYERS", 2), ("RANK", 8), ("LATENT", 128),
                        ("HEAD", 512), ("WIDTH", 1024)):  # fmt: skip
        monkeypatch.setattr(sakana_folders, name, value)
    write(tmp_path, TRAINED["sft"], order=tuple(sizes))
    generator = TextToLora.from_pretrained(tmp_path)
    layers_less = (32 - 2) * 128 // 4
    assert sum(p.numel() for p in generator.parameters()) == 55_424_000 - layers_less
