"""PEFT: same logits with folders in both directions, refusals, and damage on disk."""

import copy
import json

import peft
import pytest
import torch

import t2l_fast as t2l
from t2l_fast import files
from t2l_fast.adapters import peft_format
from t2l_fast.errors import AdapterFormatError, AdapterMismatch, ConfigError

STYLES = ["llama", "t5", "gpt2"]
OPTIONS = [
    {"r": 4, "lora_alpha": 8},
    {"r": 2, "lora_alpha": 8, "use_rslora": True},
    {"r": 6, "lora_alpha": 3, "lora_dropout": 0.1},
]
ROWS = [2, None, 0, 1, 2]


def targets(lora, name):
    return list(lora.models[name][3])


@pytest.fixture
def folders(request, lora, tmp_path):
    name = request.param
    written = []
    for i, options in enumerate(OPTIONS):
        torch.manual_seed(i)
        config = peft.LoraConfig(
            target_modules=targets(lora, name), init_lora_weights=False, **options
        )
        wrapped = peft.get_peft_model(lora.build(name), config)
        wrapped.save_pretrained(tmp_path / str(i))
        written.append(tmp_path / str(i))
    return name, written


def peft_logits(lora, model, folder, tokens):
    wrapped = peft.PeftModel.from_pretrained(copy.deepcopy(model), folder).eval()
    return lora.run(wrapped, tokens)


@torch.no_grad()
@pytest.mark.parametrize("folders", STYLES, indirect=True)
def test_mixed_batch_equals_peft_with_each_adapter_active(folders, lora, tokens):
    name, written = folders
    model = lora.build(name)
    config = t2l.LoraConfig(targets(lora, name), rank=4, alpha=8)
    adapters = t2l.attach(model, config, num_slots=3, rank_max=6)
    ids = adapters.bank.register(weights=[t2l.LoraWeights.from_pretrained(f) for f in written])
    base = lora.run(model, tokens)
    rows = [None if row is None else ids[row] for row in ROWS]
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mixed = lora.run(model, tokens)
    for row, index in enumerate(ROWS):
        if index is None:
            assert torch.equal(mixed[row], base[row])
            continue
        expected = peft_logits(lora, model, written[index], tokens[row : row + 1])[0]
        assert (mixed[row] - expected).abs().max() <= 1e-4
        assert (expected - base[row]).abs().max() > 1e-2


@torch.no_grad()
@pytest.mark.parametrize("name", STYLES)
def test_folders_written_here_load_in_peft(name, lora, tokens, tmp_path):
    model = lora.build(name)
    config = t2l.LoraConfig(targets(lora, name), rank=4, alpha=8, use_rslora=True)
    (weights,) = lora.adapters(model, config, 1)
    weights.save_pretrained(tmp_path / "new" / "folder")
    merged = copy.deepcopy(model)
    weights.merge_into(merged)
    found = peft_logits(lora, model, tmp_path / "new" / "folder", tokens)
    torch.testing.assert_close(found, lora.run(merged, tokens), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("folders", STYLES, indirect=True)
def test_round_trip_keeps_every_bit_and_the_scale(folders, tmp_path):
    for folder, options in zip(folders[1], OPTIONS, strict=True):
        first = t2l.LoraWeights.from_pretrained(folder)
        first.save_pretrained(tmp_path / "again")
        second = t2l.LoraWeights.from_pretrained(tmp_path / "again")
        assert second.config == first.config and second.paths == first.paths
        for m in first.lora_a:
            assert torch.equal(first.lora_a[m], second.lora_a[m])
            assert torch.equal(first.lora_b[m], second.lora_b[m])
        r, alpha = options["r"], options["lora_alpha"]
        assert second.config.scaling == (alpha / r**0.5 if "use_rslora" in options else alpha / r)


def test_config_goes_to_peft_and_back():
    config = t2l.LoraConfig(["v_proj", "q_proj"], rank=4, alpha=8, use_rslora=True, dropout=0.1)
    back = t2l.LoraConfig.from_peft(config.to_peft())
    assert set(back.target_modules) == {"q_proj", "v_proj"}
    assert (back.rank, back.scaling, back.dropout) == (4, 4.0, 0.1)


REFUSED = {
    "dora": {"use_dora": True},
    "lora_bias": {"lora_bias": True},
    "bias": {"bias": "all"},
    "modules_to_save": {"modules_to_save": ["lm_head"]},
    "rank_pattern": {"rank_pattern": {"q_proj": 2}},
    "alpha_pattern": {"alpha_pattern": {"q_proj": 2}},
    "pissa": {"init_lora_weights": "pissa"},
    "a field of the future": {"use_magic": 1},
    "another method": {"peft_type": "IA3"},
    "no rank": {"r": None},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_run_is_refused_by_name(case):
    fields = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}
    fields |= REFUSED[case]
    if case == "no rank":
        del fields["r"]
    expected = "must hold r" if case == "no rank" else next(iter(REFUSED[case]))
    with pytest.raises(ConfigError, match=expected):
        t2l.LoraConfig.from_peft(fields)


BAD_CONFIGS = {
    "rank": {"rank": 0},
    "rank is no integer": {"rank": 2.5},
    "alpha": {"alpha": float("nan")},
    "dropout": {"dropout": 1.0},
    "targets": {"target_modules": []},
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_bad_configs_are_refused(case):
    fields = {"target_modules": ["q_proj"], "rank": 4, "alpha": 8} | BAD_CONFIGS[case]
    with pytest.raises(ConfigError, match=next(iter(BAD_CONFIGS[case]))):
        t2l.LoraConfig(**fields)


@pytest.fixture
def saved(llama, lora, tmp_path):
    (weights,) = lora.adapters(llama, lora.config("llama"), 1)
    weights.save_pretrained(tmp_path / "adapter")
    return weights, tmp_path / "adapter"


def damage(folder, kind):
    tensors, config = folder / peft_format.WEIGHTS_NAME, folder / peft_format.CONFIG_NAME
    if kind == "truncated":
        tensors.write_bytes(tensors.read_bytes()[:-100])
    elif kind == "not safetensors":
        tensors.write_bytes(b"garbage")
    elif kind == "no weights":
        tensors.unlink()
    elif kind == "no config":
        config.unlink()
    elif kind == "config no json":
        config.write_text("{")
    elif kind == "config too deep":
        config.write_text("[" * 100_000)
    elif kind == "wrong rank":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"r": 5}))
    else:
        from safetensors.torch import load_file, save_file

        found = load_file(tensors)
        found.pop(next(name for name in found if "lora_B" in name))
        if kind == "foreign tensor":
            found = {"base_model.model.lm_head.weight": torch.ones(2)}
        save_file(found, tensors)


@pytest.mark.parametrize(
    "kind",
    [
        "truncated",
        "not safetensors",
        "no weights",
        "no config",
        "config no json",
        "config too deep",
        "wrong rank",
        "half a pair",
        "foreign tensor",
    ],
)
def test_damaged_folders_are_one_clear_error(saved, kind):
    damage(saved[1], kind)
    with pytest.raises(AdapterFormatError, match="adapter"):
        t2l.LoraWeights.from_pretrained(saved[1])


def test_a_full_disk_leaves_the_old_adapter_and_nothing_else(saved, monkeypatch):
    weights, folder = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        t2l.LoraWeights.weighted_sum([weights], [2.0]).save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_unwritable_folder_is_an_os_error(saved, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        saved[0].save_pretrained(tmp_path / "file")


def test_weights_without_paths_say_how_to_get_them(saved, llama):
    weights = saved[0]
    bare = t2l.LoraWeights(weights.config, weights.lora_a, weights.lora_b)
    with pytest.raises(AdapterMismatch, match="paths="):
        bare.save_pretrained(saved[1])
    known = bare.for_sites(t2l.find_sites(llama, weights.config.target_modules))
    assert known.paths == weights.paths
    bare.save_pretrained(saved[1], paths=weights.paths)


def test_an_adapter_of_other_modules_or_layers_is_refused(saved, llama, lora):
    adapters = t2l.attach(llama, t2l.LoraConfig(["q_proj"], rank=4, alpha=8), num_slots=1)
    with pytest.raises(AdapterMismatch, match="among the attached sites"):
        adapters.bank.register(weights=[saved[0]])
    weights = saved[0]
    part = {m: t[:1] for m, t in weights.lora_a.items() if m == "q_proj"}
    part_b = {m: t[:1] for m, t in weights.lora_b.items() if m == "q_proj"}
    half = t2l.LoraWeights(weights.config, part, part_b, {"q_proj": weights.paths["q_proj"][:1]})
    with pytest.raises(AdapterMismatch, match="all layers"):
        adapters.bank.register(weights=[half])


@torch.no_grad()
def test_an_adapter_of_fewer_modules_leaves_the_others_alone(llama, lora, tokens):
    config = t2l.LoraConfig(["q_proj"], rank=4, alpha=8)
    (weights,) = lora.adapters(llama, config, 1)
    adapters = t2l.attach(llama, lora.config("llama"), num_slots=2)
    full = adapters.bank.register(weights=lora.adapters(llama, adapters.config, 2))
    adapters.bank.lease(full).release()  # both slots held all modules before
    (only,) = adapters.bank.register(weights=[weights])
    with adapters.bank.lease([only] * 5) as lease, adapters.use(lease):
        out = llama(tokens).logits
    merged = copy.deepcopy(llama)
    weights.merge_into(merged)
    torch.testing.assert_close(out, merged(tokens).logits, rtol=1e-4, atol=5e-5)


@pytest.mark.parametrize("part", ["lora_a", "lora_b"])
def test_numbers_that_are_not_finite_are_not_merged(saved, llama, part):
    weights = saved[0]
    getattr(weights, part)["v_proj"][-1, 0, 0] = float("nan")
    before = copy.deepcopy(llama.state_dict())
    with pytest.raises(AdapterMismatch, match="must be finite"):
        weights.merge_into(llama)
    assert all(torch.equal(t, before[name]) for name, t in llama.state_dict().items())


@torch.no_grad()
def test_weighted_sums_equal_the_sum_of_deltas(llama, lora, tokens):
    one, two = lora.adapters(llama, lora.config("llama"), 2)
    other = t2l.LoraConfig(one.config.target_modules, rank=4, alpha=3, use_rslora=True)
    two = t2l.LoraWeights(other, two.lora_a, two.lora_b, two.paths)
    total = t2l.LoraWeights.weighted_sum([one, two], [0.7, -0.4])
    batch = t2l.LoraBatch.stack([one, t2l.LoraWeights(one.config, two.lora_a, two.lora_b)])
    mixed = batch.weighted_sum(torch.tensor([[0.7, -0.4], [0.0, 1.0]]))
    assert total.config.rank == 8 and len(mixed) == 2
    for m in one.lora_a:

        def delta(w, m=m):
            return w.config.scaling * w.lora_b[m].mT @ w.lora_a[m]

        torch.testing.assert_close(delta(total), 0.7 * delta(one) - 0.4 * delta(two))
        torch.testing.assert_close(delta(mixed[0]), 0.7 * delta(batch[0]) - 0.4 * delta(batch[1]))
        torch.testing.assert_close(delta(mixed[1]), delta(batch[1]))


def test_batches_stack_index_and_refuse_mixtures(llama, lora):
    adapters = lora.adapters(llama, lora.config("llama"), 3)
    batch = t2l.LoraBatch.stack(adapters)
    assert len(batch) == 3 == len(list(batch))
    for m in batch.lora_a:
        assert torch.equal(batch[1].lora_a[m], adapters[1].lora_a[m])
    with pytest.raises(IndexError):
        batch[3]
    other = lora.adapters(llama, t2l.LoraConfig(["q_proj"], rank=4, alpha=8), 1)
    with pytest.raises(AdapterMismatch, match="one set of modules"):
        t2l.LoraBatch.stack([adapters[0], *other])
    with pytest.raises(AdapterMismatch, match="rank 4"):
        t2l.LoraWeights(
            adapters[0].config, {"q_proj": torch.ones(2, 3, 5)}, {"q_proj": torch.ones(2, 3, 5)}
        )


def test_batches_stack_what_computes_alike(llama, lora):
    one, two, three = lora.adapters(llama, t2l.LoraConfig(["q_proj", "v_proj"], 4, 8), 3)
    other = t2l.LoraConfig(["v_proj", "q_proj"], 4, 4, use_rslora=True, dropout=0.3)
    turned = [{m: part[m] for m in reversed(list(part))} for part in (two.lora_a, two.lora_b)]
    batch = t2l.LoraBatch.stack(
        [
            t2l.LoraWeights(one.config, one.lora_a, one.lora_b),
            t2l.LoraWeights(other, *turned, two.paths),
            three,
        ]
    )
    assert other.scaling == batch.config.scaling and batch.config == one.config
    assert batch.paths == two.paths
    for m in one.lora_a:
        assert torch.equal(batch[1].lora_a[m], two.lora_a[m])
        assert torch.equal(batch[1].lora_b[m], two.lora_b[m])


@pytest.mark.parametrize(
    ("rank", "message"),
    [
        (4, "one scale, got 2.0 of adapter 0 and 1.0 of adapter 2"),
        (2, "one rank, got 4 of adapter 0 and 2 of adapter 2"),
    ],
    ids=["scale", "rank"],
)
def test_batches_refuse_another_rank_or_scale(llama, lora, rank, message):
    adapters = lora.adapters(llama, t2l.LoraConfig(["q_proj"], 4, 8), 2)
    others = lora.adapters(llama, t2l.LoraConfig(["q_proj"], rank, 4), 1)
    with pytest.raises(AdapterMismatch, match=message):
        t2l.LoraBatch.stack([*adapters, *others])


def test_batches_refuse_other_layers_and_paths_and_name_the_adapter(llama, lora):
    one, two = lora.adapters(llama, t2l.LoraConfig(["q_proj"], 4, 8), 2)
    cut = ({m: t[:1] for m, t in part.items()} for part in (two.lora_a, two.lora_b))
    message = r"one \(layers, in, out\) of q_proj, got \(2, 32, 32\) of adapter a and \(1, 32, 32\)"
    with pytest.raises(AdapterMismatch, match=f"{message} of adapter b"):
        t2l.LoraBatch.stack([one, t2l.LoraWeights(two.config, *cut)], names=["a", "b"])
    moved = {m: tuple(f"base.{path}" for path in names) for m, names in two.paths.items()}
    elsewhere = t2l.LoraWeights(two.config, two.lora_a, two.lora_b, moved)
    with pytest.raises(AdapterMismatch, match=r"of q_proj in layer 0, .* of adapter b"):
        t2l.LoraBatch.stack([one, elsewhere], names=["a", "b"])


def test_fresh_adapters_start_as_lora_does(llama, lora):
    sites = t2l.find_sites(llama, ("q_proj", "down_proj"))
    batch = t2l.LoraBatch.init(lora.config("llama"), sites, 50)
    assert all((b == 0).all() for b in batch.lora_b.values())
    for m, bound in (("q_proj", 32**-0.5), ("down_proj", 48**-0.5)):
        assert batch.lora_a[m].abs().max() <= bound
        assert batch.lora_a[m].std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_a_batch_moves_to_a_device_whole():
    config = t2l.LoraConfig(("q",), 2, 4)
    batch = t2l.LoraBatch(config, {"q": torch.ones(1, 3, 2, 4)}, {"q": torch.ones(1, 3, 2, 5)})
    moved = batch.to("meta")
    assert {t.device.type for t in moved.parameters()} == {"meta"} and len(moved) == 3
    assert {t.device.type for t in batch.parameters()} == {"cpu"} and moved.config == config
