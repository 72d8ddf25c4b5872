"""Libraries of adapters: one file or PEFT folders, read alike, and refused with a sentence."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import t2l_fast as t2l
from t2l_fast.errors import AdapterMismatch, CheckpointError
from t2l_fast.train import read_library
from tests.train.libraries import LORA, SHAPES, small_library


@pytest.fixture
def library():
    return small_library()


def test_a_library_round_trips_as_a_bank_and_as_peft_folders(library, tmp_path):
    path = library.save(tmp_path / "bank")
    for place in (path, tmp_path / "bank"):
        read = read_library(place)
        assert (read.names, read.descriptions) == (library.names, library.descriptions)
        assert read.adapters.config == LORA and read.adapters.paths == library.adapters.paths
        assert list(read.adapters.lora_a) == list(SHAPES)
        for mine, expected in zip(
            read.adapters.parameters(), library.adapters.parameters(), strict=True
        ):
            assert torch.equal(mine, expected)
    for name, texts, weights in zip(
        library.names, library.descriptions, library.adapters, strict=True
    ):
        weights.save_pretrained(tmp_path / "folders" / name)
        (tmp_path / "folders" / name / "descriptions.txt").write_text("\n".join(texts) + "\n\n")
    read = read_library(tmp_path / "folders")
    assert (read.names, read.descriptions) == (library.names, library.descriptions)
    mine = read.adapters
    for m in SHAPES:
        key = next(k for k in mine.lora_a if m in k)
        assert torch.equal(mine.lora_a[key], library.adapters.lora_a[m])
    given = read_library(path, {"task 1": ["other words"]})
    assert given.descriptions[:2] == (library.descriptions[0], ("other words",))


def test_a_library_keeps_base_and_prompt(library, tmp_path):
    told = replace(library, base_model="smollm2", prompt_template="Q: {input}\nA:")
    path = told.save(tmp_path)
    read = read_library(tmp_path)
    assert (read.base_model, read.prompt_template) == ("smollm2", "Q: {input}\nA:")
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["library"])
    older = {k: v for k, v in about.items() if k not in ("base_model", "prompt_template")}
    save_file(load_file(path), path, metadata={"library": json.dumps(older)})
    read = read_library(tmp_path)
    assert (read.base_model, read.prompt_template) == (None, None)


@pytest.fixture
def folders(library, tmp_path):
    """The library as PEFT folders, "task 0" and so on."""
    for name, texts, weights in zip(
        library.names, library.descriptions, library.adapters, strict=True
    ):
        weights.save_pretrained(tmp_path / "folders" / name)
        (tmp_path / "folders" / name / "descriptions.txt").write_text("\n".join(texts))
    return tmp_path / "folders"


def edit(folder, **changes) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_library_of_folders_that_list_modules_in_any_order(library, folders):
    """PEFT writes them from a set, so that their order is another in every process."""
    edit(folders / "task 1", target_modules=list(SHAPES)[::-1])
    edit(folders / "task 3", lora_dropout=0.1)
    read = read_library(folders)
    for mine, expected in zip(
        read.adapters.parameters(), library.adapters.parameters(), strict=True
    ):
        assert torch.equal(mine, expected)


def test_a_library_of_folders_names_the_one_that_does_not_fit(library, folders):
    edit(folders / "task 2", lora_alpha=3)
    with pytest.raises(AdapterMismatch, match="one scale, got 2.0 of adapter task 0 and 1.0 of ad"):
        read_library(folders)
    odd = library.adapters[2]
    shorter = t2l.LoraWeights(
        LORA,
        {m: t[:1] for m, t in odd.lora_a.items()},
        {m: t[:1] for m, t in odd.lora_b.items()},
        {m: paths[:1] for m, paths in odd.paths.items()},
    )
    shorter.save_pretrained(folders / "task 2")
    with pytest.raises(AdapterMismatch, match=r"of q_proj, .* and \(1, 12, 12\) of adapter task 2"):
        read_library(folders)


def test_a_library_of_folders_knows_the_base_that_all_name(folders):
    assert read_library(folders).base_model is None
    for folder in folders.iterdir():
        edit(folder, base_model_name_or_path="some/model")
    assert read_library(folders).base_model == "some/model"
    edit(folders / "task 1", base_model_name_or_path="another/model")
    assert read_library(folders).base_model is None


def test_a_library_without_descriptions_or_files_is_refused(library, tmp_path):
    with pytest.raises(CheckpointError, match="`t2l train oracles` makes one"):
        read_library(tmp_path)
    library.adapters[0].save_pretrained(tmp_path / "one")
    with pytest.raises(AdapterMismatch, match=r"without any: \['one'\]"):
        read_library(tmp_path)
    (tmp_path / "damaged.safetensors").write_bytes(b"x" * 50)
    with pytest.raises(CheckpointError, match="can't be read"):
        read_library(tmp_path / "damaged.safetensors")
