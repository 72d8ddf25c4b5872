"""Sakana's checkpoints: what is damaged, contradictory or unsafe is refused by name."""

import pytest
import torch

from t2l_fast.errors import CheckpointError
from t2l_fast.generators import TextToLora
from tests.generators.sakana_folders import HEAD, TRAINED, make_state, write

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
