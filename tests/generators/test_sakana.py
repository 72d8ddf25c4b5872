"""Sakana's checkpoints: folders as documented, against a straight-line fp64 forward pass."""

import json
import math
import string

import pytest
import torch
import transformers as tf
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers

import t2l_fast as t2l
from t2l_fast.cli.init import config_of
from t2l_fast.errors import CheckpointError
from t2l_fast.generators import T2LConfig, TextToLora

LAYERS, RANK, LATENT, HEAD, WIDTH = 3, 4, 16, 20, 10
SIZES = {"v_proj": (24, 12), "q_proj": (24, 24), "up_proj": (24, 40)}
VARIANTS = {
    "L": {},
    "M": {"shared_AB_head": True},
    "S": {"shared_AB_head": True, "autoreg_gen": True},
    "S, learnable positions": {
        "shared_AB_head": True,
        "autoreg_gen": True,
        "learnable_pos_emb": True,
    },
    "L, rank by rank": {"autoreg_gen": True},
    "L, learnable positions": {"autoreg_gen": True, "learnable_pos_emb": True},
}
TRAINED = {
    "sft": {"training_task": "sft"},
    "sft with offsets": {"training_task": "sft", "learnable_AB_offset": True},
    "recon, z-scores": {"training_task": "recon", "pred_z_score": True, "factorized": True},
    "recon, raw": {"training_task": "recon", "pred_z_score": False, "factorized": True},
    "recon of ΔW": {
        "training_task": "recon",
        "pred_z_score": False,
        "factorized": False,
        "delta_w_scaling": 1e4,
    },
    "recon of ΔW as published": {
        "training_task": "recon",
        "pred_z_score": True,
        "factorized": False,
        "delta_w_scaling": 1e4,
    },
}


def head_width(args: dict, module: str) -> int:
    size_in, size_out = SIZES[module]
    row = max(size_in, size_out) if args.get("shared_AB_head") else size_in + size_out
    return row if args.get("autoreg_gen") else RANK * row


def make_state(args: dict, head_bias: bool) -> dict[str, torch.Tensor]:
    """The documented key table, random; buffers are there whatever the training was."""
    draws = torch.Generator().manual_seed(0)
    m = LATENT

    def linear(name: str, out: int, size: int, bias: bool = True) -> dict[str, torch.Tensor]:
        weight = {f"{name}.weight": torch.randn(out, size, generator=draws) / size**0.5}
        return weight | ({f"{name}.bias": torch.randn(out, generator=draws)} if bias else {})

    def norm(name: str, width: int) -> dict[str, torch.Tensor]:
        random = torch.rand(2, width, generator=draws)
        return {f"{name}.weight": random[0] + 0.5, f"{name}.bias": random[1]}

    def table(name: str, count: int, width: int) -> dict[str, torch.Tensor]:
        rows = {f"{name}.0.weight": torch.randn(count, width, generator=draws)}
        return rows | norm(f"{name}.1", width)

    state = linear("task_encoder.mlp.0", m // 2, WIDTH) | norm("task_encoder.mlp.1", m // 2)
    state |= table("layer_depth_encoder", LAYERS, m // 4)
    state |= table("layer_type_encoder", len(SIZES), m // 4)
    state |= linear("mixer.1", 4 * m, m) | linear("mixer.4", m, 4 * m)
    for name in ("mlp1.mlp", "mlp2.mlp"):
        state |= (
            norm(f"{name}.0", m) | linear(f"{name}.1", 4 * m, m) | linear(f"{name}.4", m, 4 * m)
        )
    state |= norm("mlp3.0", m) | linear("mlp3.1", 4 * m, m) | linear("mlp3.4", HEAD, 4 * m)
    for module, (size_in, size_out) in SIZES.items():
        state |= linear(f"heads.{module}", head_width(args, module), HEAD, head_bias)
        shapes = {"A": (LAYERS, RANK, size_in), "B": (LAYERS, size_out, RANK)}
        for part, shape in shapes.items():
            offset = torch.randn(shape, generator=draws) * bool(args.get("learnable_AB_offset"))
            state[f"AB_offset.{part}.{module}"] = offset
            state[f"mean_recon_target.{part}.{module}"] = torch.randn(shape, generator=draws)
            state[f"std_recon_target.{part}.{module}"] = torch.rand(shape, generator=draws) + 0.1
            if args.get("shared_AB_head"):
                state[f"out_emb.{module}.{part}"] = torch.randn(m, generator=draws)
    if args.get("shared_AB_head"):
        state |= norm("out_emb_norm", m)
    if args.get("learnable_pos_emb"):
        state |= table("pos_emb", RANK, m)
    return state


def write(folder, args: dict, *, head_bias=True, order=tuple(SIZES), state=None, **adapter):
    folder.mkdir(parents=True, exist_ok=True)
    state = make_state(args, head_bias) if state is None else state
    torch.save(state, folder / "hypermod.pt")
    common = {"model_dir": "mistralai/Mistral-7B-Instruct-v0.2", "emb_model": "some/encoder"}
    (folder / "args.yaml").write_text(yaml.safe_dump(common | {"encoder_type": "linear"} | args))
    config = dict(
        peft_type="LORA", task_type="CAUSAL_LM", r=RANK, lora_alpha=16, lora_dropout=0.05,
        use_rslora=True, target_modules=list(order), bias="none",
    )  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config | adapter))
    return state


def published(
    state, args: dict, code, layer: int, module: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """A `[rank, in]` and B `[out, rank]` of one layer and module, step by step in fp64."""
    p = {name: t.double() for name, t in state.items()}
    silu = torch.nn.functional.silu

    def lin(name, x):
        out = p[f"{name}.weight"] @ x
        return out + p[f"{name}.bias"] if f"{name}.bias" in p else out

    def norm(name, x):
        centred = x - x.mean()
        scaled = centred / torch.sqrt(centred.square().mean() + 1e-5)
        return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]

    def residual(name, x):
        y = silu(lin(f"{name}.mlp.1", norm(f"{name}.mlp.0", x)))
        return x + silu(lin(f"{name}.mlp.4", y))

    def last(x):
        return silu(lin("mlp3.4", silu(lin("mlp3.1", norm("mlp3.0", x)))))

    def rotary(x, position):
        half = LATENT // 2
        out = torch.empty_like(x)
        for i in range(half):
            angle = position * 10000.0 ** (-2 * i / LATENT)
            cos, sin = math.cos(angle), math.sin(angle)
            out[i] = x[i] * cos - x[i + half] * sin
            out[i + half] = x[i + half] * cos + x[i] * sin
        return out

    def by_rank(x, r):
        learnable = "pos_emb.0.weight" in p
        position = norm("pos_emb.1", p["pos_emb.0.weight"][r]) if learnable else None
        if not args.get("shared_AB_head"):
            return residual("mlp2", x + position if learnable else rotary(x, r))
        v = residual("mlp2", x)
        return v + residual("mlp2", position) if learnable else residual("mlp2", rotary(v, r))

    task = norm("task_encoder.mlp.1", lin("task_encoder.mlp.0", code.double()))
    depth = norm("layer_depth_encoder.1", p["layer_depth_encoder.0.weight"][layer])
    kind = norm("layer_type_encoder.1", p["layer_type_encoder.0.weight"][list(SIZES).index(module)])
    u = residual("mlp1", silu(lin("mixer.4", silu(lin("mixer.1", torch.cat([task, depth, kind]))))))
    size_in, size_out = SIZES[module]
    made = {}
    for part, size in (("A", size_in), ("B", size_out)):
        start = 0 if part == "A" or args.get("shared_AB_head") else size_in
        x = u
        if args.get("shared_AB_head"):
            x = u + norm("out_emb_norm", p[f"out_emb.{module}.{part}"])
        if args.get("autoreg_gen"):
            rows = [lin(f"heads.{module}", last(by_rank(x, r)))[start : start + size]
                    for r in range(RANK)]  # fmt: skip
            made[part] = torch.stack(rows)
        else:
            flat = lin(f"heads.{module}", last(residual("mlp2", x)))
            width = max(SIZES[module]) if args.get("shared_AB_head") else size
            made[part] = flat[RANK * start : RANK * (start + width)].view(RANK, width)[:, :size]
    a, b = made["A"], made["B"].T
    recon = args.get("training_task") == "recon"
    if not recon:
        a = a + p[f"AB_offset.A.{module}"][layer]
        b = b + p[f"AB_offset.B.{module}"][layer]
    elif not args["factorized"]:
        a, b = a / 100.0, b / 100.0
    elif args["pred_z_score"]:
        a, b = (
            x * (p[f"std_recon_target.{part}.{module}"][layer] + 1e-10)
            + p[f"mean_recon_target.{part}.{module}"][layer]
            for part, x in (("A", a), ("B", b))
        )
    return a, b


def equals_published(folder, state, args, order=None) -> TextToLora:
    generator = TextToLora.from_pretrained(folder, module_order=order)
    codes = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(9))
    batch = generator.double().generate(codes=codes.double())
    for n, code in enumerate(codes):
        for module in SIZES:
            for layer in range(LAYERS):
                a, b = published(state, args, code, layer, module)
                torch.testing.assert_close(batch.lora_a[module][layer, n], a, rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(
                    batch.lora_b[module][layer, n], b.T, rtol=1e-5, atol=1e-6
                )
    return generator


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
    for mine, expected in zip(
        ours.generate(codes=code).parameters(),
        theirs.generate(codes=code).parameters(),
        strict=True,
    ):
        assert torch.equal(mine, expected)
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
        monkeypatch.setitem(globals(), name, value)
    write(tmp_path, TRAINED["sft"], order=tuple(sizes))
    generator = TextToLora.from_pretrained(tmp_path)
    layers_less = (32 - 2) * 128 // 4
    assert sum(p.numel() for p in generator.parameters()) == 55_424_000 - layers_less


SPOILED = {
    "a tensor is missing": (lambda s: {k: v for k, v in s.items() if k != "mixer.1.bias"}, "mixer"),
    "a tensor is unknown": (lambda s: s | {"extra.weight": torch.ones(1)}, "extra.weight"),
    "another shape": (lambda s: s | {"mlp3.1.bias": torch.ones(3)}, "mlp3.1.bias"),
    "no offsets": (
        lambda s: {k: v for k, v in s.items() if not k.startswith("AB_offset")},
        "AB_offset.A.v_proj",
    ),
    "heads of no variant": (lambda s: s | {"heads.v_proj.weight": torch.ones(7, HEAD)}, "outputs"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_sakana_loading_is_strict(tmp_path, how):
    spoil, message = SPOILED[how]
    write(tmp_path, TRAINED["sft"], state=spoil(make_state(TRAINED["sft"], True)))
    with pytest.raises(CheckpointError, match=message):
        TextToLora.from_pretrained(tmp_path)


BAD = {
    "shared_AB_head=False, as the tensors are": {"shared_AB_head": True},
    "autoreg_gen=False": {"autoreg_gen": True},
    "no mt_lora_path": {"training_task": "recon", "factorized": True, "mt_lora_path": "x"},
}


@pytest.mark.parametrize("message", BAD)
def test_sakana_flags_that_contradict_or_are_not_run_are_named(tmp_path, message):
    state = make_state(TRAINED["sft"], True)
    write(tmp_path, TRAINED["sft"] | BAD[message], state=state)
    with pytest.raises(CheckpointError, match=message):
        TextToLora.from_pretrained(tmp_path)


def test_sakana_pickles_with_code_are_not_run(tmp_path):
    write(tmp_path, TRAINED["sft"])

    class Evil:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    torch.save({"heads.q_proj.weight": Evil()}, tmp_path / "hypermod.pt")
    with pytest.raises(CheckpointError, match="tensors alone"):
        TextToLora.from_pretrained(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"state_dict": {"mixer.1.bias": torch.ones(2)}}, "'state_dict'"),
        ({"mixer.1.bias": torch.ones(2), "step": 7}, "'step'"),
        ({3: torch.ones(2)}, "3"),
    ],
    ids=["nested", "a number", "no name"],
)
def test_sakana_weights_that_are_no_named_tensors_are_refused(tmp_path, state, named):
    write(tmp_path, TRAINED["sft"], state=state)
    with pytest.raises(CheckpointError, match=f"{named} in hypermod.pt is no tensor with a name"):
        TextToLora.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("file", "text"), [("args.yaml", "a: [1"), ("adapter_config.json", "{"), ("args.yaml", "7")]
)
def test_sakana_damaged_files_are_named(tmp_path, file, text):
    write(tmp_path, TRAINED["sft"])
    (tmp_path / file).write_text(text)
    with pytest.raises(CheckpointError, match="can't be read"):
        TextToLora.from_pretrained(tmp_path)


def test_sakana_options_are_refused_for_our_checkpoints(tmp_path):
    write(tmp_path / "theirs", TRAINED["sft"])
    TextToLora.from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    with pytest.raises(CheckpointError, match="leave them out"):
        TextToLora.from_pretrained(tmp_path / "ours", scaling="train")
    with pytest.raises(CheckpointError, match="'published-eval' or 'train', got 'both'"):
        TextToLora.from_pretrained(tmp_path / "theirs", scaling="both")
