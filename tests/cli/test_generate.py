"""`t2l generate`: folders, fitting to examples, mistakes."""

import json
import shutil

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast import cli
from t2l_fast.generators import TextToLora
from t2l_fast.generators.parts import text_generator
from t2l_fast.tasks import COMPACT
from tests.cli.shell import run


def test_generate_writes_a_peft_folder(checkpoint, monkeypatch, tmp_path, capsys):
    text = "Sort the words by length."
    out = tmp_path / "sort"
    assert run(monkeypatch, "generate", text, "-o", out, "--checkpoint", checkpoint) == 0
    assert capsys.readouterr().out.split(maxsplit=1) == [str(out), f"{text}\n"]
    expected = TextToLora.from_pretrained(checkpoint).generate([text])[0]
    read = t2l_fast.LoraWeights.from_pretrained(out)
    assert read.paths == expected.paths and read.config.scaling == expected.config.scaling
    torch.testing.assert_close(read.lora_a, expected.lora_a)
    torch.testing.assert_close(read.lora_b, expected.lora_b)


def test_generate_makes_a_folder_for_each_line(checkpoint, monkeypatch, tmp_path, capsys):
    texts = ["Sort the words.", "Give the French for a word.", "¿Qué?"]
    (tmp_path / "texts").write_text("\n\n".join(texts) + "\n")
    out = tmp_path / "out"
    arguments = ("--file", tmp_path / "texts", "-o", out, "--checkpoint", checkpoint, "--json")
    assert run(monkeypatch, "generate", *arguments) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["description"] for row in rows] == texts
    assert [row["folder"] for row in rows] == sorted(str(path) for path in out.iterdir())
    assert "sort-the-words" in rows[0]["folder"]
    batch = TextToLora.from_pretrained(checkpoint).generate(texts)
    for row, expected in zip(rows, batch, strict=True):
        read = t2l_fast.LoraWeights.from_pretrained(row["folder"])
        torch.testing.assert_close(read.lora_b, expected.lora_b)
    assert not torch.allclose(batch.lora_b["q_proj"][:, 0], batch.lora_b["q_proj"][:, 1])


def test_generate_fits_an_adapter_to_examples(tiny, monkeypatch, tmp_path):
    """From the description on; only the code, so that the adapter is one of the generator's."""
    model = tiny.taught()
    named = {"encoder": "named", "base_model": "base", "prompt_template": COMPACT}
    generator = tiny.generator(model, **named)
    for head in generator.heads.values():
        torch.nn.init.normal_(head.weight, std=0.3)
    generator.save_pretrained(tmp_path / "made")
    monkeypatch.setattr(text_generator, "load_encoder", lambda *_, **__: tiny.encoder())
    monkeypatch.setattr(t2l_fast.models, "load_model", lambda *_, **__: (model, tiny.tokenizer()))
    pairs = [json.dumps({"input": a, "output": b}) for a, b in tiny.shift(3).items()]
    pairs.append('{"input": "a\u2028b", "output": "c"}')  # a line to str.splitlines, not to JSON
    (tmp_path / "pairs.jsonl").write_text("\n".join(pairs))
    common = ["generate", "shift-3 please", "--checkpoint", str(tmp_path / "made"), "--json"]
    options = {"words": [], "pairs": ["--examples", str(tmp_path / "pairs.jsonl")]}
    for name, more in options.items():
        result = CliRunner().invoke(cli.app, [*common, *more, "-o", str(tmp_path / name)])
        assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)["folder"] == str(tmp_path / "pairs")
    words, fitted = (t2l_fast.LoraWeights.from_pretrained(tmp_path / name) for name in options)
    assert words.lora_a.keys() == fitted.lora_a.keys()
    assert any(not torch.equal(words.lora_b[m], fitted.lora_b[m]) for m in words.lora_b)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([""], "must not be empty", id="empty"),
        pytest.param(["  "], "must not be empty", id="blank"),
        pytest.param(["word " * 400], "at most 256 tokens", id="too-long"),
        pytest.param([], "both or neither", id="neither"),
        pytest.param(["Sort.", "--file", "TMP/texts"], "both or neither", id="both"),
        pytest.param(["--file", "TMP/none"], "must be a readable text file", id="no-file"),
        pytest.param(["--file", "TMP"], "must be a readable text file", id="file-is-folder"),
        pytest.param(["--file", "TMP/binary"], "must be a readable text file", id="binary-file"),
        pytest.param(["--file", "TMP/blank"], "at least one line", id="blank-file"),
        pytest.param(["--file", "TMP/texts", "--examples", "TMP/pairs"], "of one task", id="many"),
        pytest.param(["Sort.", "--examples", "TMP/none"], "--examples must be a re", id="no-pairs"),
        pytest.param(["Sort.", "--examples", "TMP/texts"], "got line 1 of", id="no-json"),
        pytest.param(["Sort.", "--examples", "TMP/half"], "got line 2 of", id="half"),
        pytest.param(["Sort.", "--examples", "TMP/pairs"], "names its base model", id="no-base"),
        pytest.param(["--file", "TMP/long"], "text 1 must have at most", id="long-line"),
        pytest.param(["Sort.", "--checkpoint", "nothing"], "must be one of", id="no-checkpoint"),
        pytest.param(["Sort.", "--checkpoint", "TMP"], "can't be read", id="empty-checkpoint"),
        pytest.param(
            ["Sort.", "--checkpoint", "TMP/odd"], "an encoder must be", id="unknown-encoder"
        ),
        pytest.param(["Sort.", "-o", "TMP/texts"], "can't be written", id="out-is-a-file"),
    ],
)
def test_a_mistake_in_generate_is_one_sentence_and_writes_nothing(
    checkpoint, monkeypatch, tmp_path, capsys, arguments, said
):
    (tmp_path / "texts").write_text("Sort.\n")
    (tmp_path / "blank").write_text("\n \n")
    (tmp_path / "long").write_text("Sort.\n" + "word " * 400)
    (tmp_path / "pairs").write_text('{"input": "b a", "output": "a b"}\n')
    (tmp_path / "half").write_text('{"input": "b a", "output": "a b"}\n{"input": 3}\n')
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    odd = shutil.copytree(checkpoint, tmp_path / "odd")
    plain = json.loads((odd / "config.json").read_text())
    plain["encoder"] = str(tmp_path / "no-encoder")
    (odd / "config.json").write_text(json.dumps(plain))
    # later options win
    options = ["-o", "TMP/out", "--checkpoint", str(checkpoint), *arguments]
    code = run(monkeypatch, "generate", *(o.replace("TMP", str(tmp_path)) for o in options))
    printed = capsys.readouterr()
    message = " ".join(printed.err.split())
    assert code == 2
    assert message.startswith("t2l: ") and said in message and "Traceback" not in message
    assert not printed.out and not (tmp_path / "out").exists()
    assert (tmp_path / "texts").read_text() == "Sort.\n"
