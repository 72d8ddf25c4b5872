"""Exact match by greedy decoding: who answers what, and whose adapter runs."""

import json
import re
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

import t2l_fast.cli.evaluate
import t2l_fast.models
import t2l_fast.report
import t2l_fast.tasks
from t2l_fast import cli
from t2l_fast.adapters import LoraBatch
from t2l_fast.errors import ArgumentError, MissingPackage
from t2l_fast.evaluate import Condition, conditions, evaluate, questions, shuffled
from t2l_fast.generators import AutoGenerator, MultiTaskLora
from t2l_fast.report import plot, table
from t2l_fast.tasks import COMPACT, JUNK, Example, Prompt, answer
from t2l_fast.train import LoraLibrary, SFTConfig, SFTTrainer

BASE = Condition("base")


class Recorded:
    """A generator that remembers what it was asked for."""

    def __init__(self, generator) -> None:
        self.config, self._generator, self.asked = generator.config, generator, []

    def generate(self, conditions):
        self.asked += conditions
        return self._generator.generate(conditions)


@pytest.fixture
def prompt(tiny):
    return Prompt(tiny.tokenizer())


@pytest.fixture
def model(tiny):
    return tiny.taught()


@pytest.fixture
def says(tiny):
    """Makes tasks that answer every letter with `to`, described by their name."""

    def make(name: str, to: str | None = None, **options):
        return tiny.task(f"say/{name}", dict.fromkeys(tiny.letters, to or name), **options)

    return make


@pytest.fixture
def taught_generator(tiny, says, prompt, tmp_path):
    """Its adapters answer c or j, as their description says."""
    model = tiny.taught()
    generator = tiny.generator(model)
    config = SFTConfig(100, 2, 8, learning_rate=1e-2, eval_every=0, start="plain")
    SFTTrainer(generator, model, prompt, [says("c"), says("j")], config, tmp_path / "run").train()
    return generator


def exact_match(report, condition: str = "base", split: str = "s") -> float:
    return report[condition][split]["exact_match"]


def test_what_the_model_answers_is_right(model, prompt, tiny):
    """The expected outputs are the model's own."""
    sources = ["a", "b", "qq", "hello there", "k"]
    given = [answer(model, prompt, [s], max_new_tokens=6)[0] for s in sources]
    made = {s: text for s, text in zip(sources, given, strict=True) if len(text) == 1}
    assert len(made) >= 3
    right = tiny.task("own/right", made)
    wrong = tiny.task("own/wrong", {s: f"{text}!" for s, text in made.items()})
    for task, share in ((right, 1.0), (wrong, 0.0)):
        report = evaluate(model, prompt, {"s": [task]}, [BASE], examples=9)
        assert report["base"]["s"] == {
            "exact_match": share,
            "rows": len(made),
            "by_family": {"own": share},
        }


def test_answers_in_one_batch_are_those_of_single_rows(model, prompt):
    sources = ["a", "hello there", "b", "some words more", "k"]
    together = answer(model, prompt, sources, max_new_tokens=5)
    assert together == [answer(model, prompt, [s], max_new_tokens=5)[0] for s in sources]
    assert together[0] == "b"


def test_shares_are_counted_by_split_and_family(model, prompt, tiny):
    pairs = tiny.shift(1)
    half = pairs | {a: "wrong" for a in tiny.letters[:6]}
    splits = {
        "seen": [tiny.task("one/right", pairs), tiny.task("two/half", half)],
        "unseen": [tiny.task("three/wrong", tiny.shift(5))],
    }
    seen: list[int] = []
    report = evaluate(model, prompt, splits, [BASE], examples=12, on_rows=seen.append)["base"]
    assert report["seen"]["by_family"] == {"one": 1.0, "two": 0.5}
    assert report["seen"]["exact_match"] == 0.75
    assert report["unseen"]["exact_match"] == 0.0
    assert sum(seen) == report["seen"]["rows"] + report["unseen"]["rows"] == 36


def test_further_answers_count_as_right(model, prompt, tiny):
    examples = tuple(Example(a, "something long", (b,)) for a, b in tiny.shift(1).items())
    task = tiny.task("one/also", {"a": "b"}, validation=examples)
    assert exact_match(evaluate(model, prompt, {"s": [task]}, [BASE], examples=12)) == 1.0


def test_oracles_answer_their_own_tasks(model, prompt, says, taught_generator):
    """Rows of both tasks stand side by side; with each other's LoRA all are wrong."""
    tasks = [says("c"), says("j")]
    made = taught_generator.generate([task.eval_descriptions[0] for task in tasks])
    own = {task.name: adapter for task, adapter in zip(tasks, made, strict=True)}
    swapped = dict(zip(own, reversed(own.values()), strict=True))
    asked = [Condition("own", own=own), Condition("swapped", own=swapped)]
    report = evaluate(model, prompt, {"s": tasks}, asked, examples=12)
    assert exact_match(report, "own") > 0.9
    assert exact_match(report, "swapped") == 0.0
    assert "oracles" in [c.name for c in conditions(taught_generator, oracles=own)]
    with pytest.raises(ArgumentError, match="got none for 1, 'say/k'"):
        evaluate(model, prompt, {"s": [*tasks, says("k")]}, asked)


def test_eval_reads_the_oracles_of_a_library(
    tiny, model, says, taught_generator, tmp_path, monkeypatch
):
    """The command as a user runs it; the library's order is not the tasks'."""
    tasks = [says("c"), says("j")]
    names, texts = zip(*((t.name, t.descriptions) for t in reversed(tasks)), strict=True)
    made = taught_generator.generate([t.eval_descriptions[0] for t in reversed(tasks)])
    LoraLibrary(names, texts, made).save(tmp_path)
    config = replace(taught_generator.config, base_model="tiny", prompt_template=COMPACT)
    monkeypatch.setattr(taught_generator, "config", config)
    monkeypatch.setattr(AutoGenerator, "from_pretrained", lambda *_, **__: taught_generator)
    monkeypatch.setattr(t2l_fast.models, "load_model", lambda *_, **__: (model, tiny.tokenizer()))
    monkeypatch.setattr(t2l_fast.tasks, "read_tasks", lambda _: tasks)
    arguments = ["eval", "any", "--tasks", "mine", "--oracles", str(tmp_path), "--json"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.exception
    report = json.loads(result.stdout)["conditions"]
    assert exact_match(report, "oracles", "mine") > 0.9
    assert exact_match(report, "base", "mine") < 0.5


@pytest.fixture
def eval_command(tiny, model, says, taught_generator, monkeypatch):
    """Runs `t2l eval` on two tasks."""
    config = replace(taught_generator.config, base_model="tiny", prompt_template=COMPACT)
    monkeypatch.setattr(taught_generator, "config", config)
    monkeypatch.setattr(AutoGenerator, "from_pretrained", lambda *_, **__: taught_generator)
    monkeypatch.setattr(t2l_fast.models, "load_model", lambda *_, **__: (model, tiny.tokenizer()))
    monkeypatch.setattr(t2l_fast.tasks, "read_tasks", lambda _: [says("c"), says("j")])

    def run(*arguments):
        common = ["eval", "any", "--tasks", "mine", "--examples", "1", "--json"]
        return CliRunner().invoke(cli.app, [*common, *map(str, arguments)])

    return run


def test_eval_makes_the_folders_of_its_files(eval_command, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    files = [tmp_path / "new" / "numbers.json", tmp_path / "other" / "new" / "bars.png"]
    result = eval_command("--out", files[0], "--plot", files[1])
    assert result.exit_code == 0, result.exception
    assert json.loads(files[0].read_text()) == json.loads(result.stdout)
    assert files[1].stat().st_size > 0


def test_eval_prints_what_it_measured_before_it_writes(eval_command, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(t2l_fast.report, "plot", full)
    monkeypatch.setattr(t2l_fast.cli.evaluate, "find_spec", lambda _: True)
    result = eval_command("--plot", tmp_path / "bars.png")
    assert isinstance(result.exception, OSError)
    assert "generated, matched" in json.loads(result.stdout)["conditions"]


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ("--plot=TMP/bars.png", MissingPackage, r"matplotlib.*pip install \"t2l_fast\[bench\]\""),
        ("--out=TMP", ArgumentError, "--out must be a file that can be written"),
        ("--out=TMP/file/numbers.json", ArgumentError, "--out must be a file in a folder"),
    ],
    ids=["no matplotlib", "a folder", "below a file"],
)
def test_eval_says_what_it_cannot_write_before_it_loads(
    tmp_path, monkeypatch, option, error, message
):
    (tmp_path / "file").touch()
    monkeypatch.setattr(AutoGenerator, "from_pretrained", lambda *_, **__: pytest.fail("loaded"))
    monkeypatch.setattr(t2l_fast.cli.evaluate, "find_spec", lambda _: None)
    result = CliRunner().invoke(cli.app, ["eval", option.replace("TMP", str(tmp_path))])
    assert isinstance(result.exception, error)
    assert re.search(message, str(result.exception))


def test_every_row_runs_the_adapter_of_its_description(model, prompt, says, taught_generator):
    """The tasks of the second split want each other's answer, so only a shuffled adapter is right.

    Rows of both tasks stand side by side in one batch.
    """
    splits = {
        "own": [says("c"), says("j")],
        "other's": [says("c", to="j"), says("j", to="c")],
    }
    report = evaluate(model, prompt, splits, conditions(taught_generator), examples=12)
    found = {
        name: (exact_match(report, name, "own"), exact_match(report, name, "other's"))
        for name in report
    }
    assert found["generated, matched"] == (1.0, 0.0)
    assert found["generated, shuffled"] == (0.0, 1.0)
    assert found["base"][0] < 0.5


def test_adapters_that_were_read_from_files_go_to_the_models_device(
    model, prompt, says, tiny, monkeypatch
):
    """Files are read onto the CPU. The device is only seen here: there may be no other."""
    moved, real = [], LoraBatch.to
    monkeypatch.setattr(LoraBatch, "to", lambda b, d: moved.append(d) or real(b, d))
    weights = MultiTaskLora(tiny.generator(model).config).weights()
    rivals = [Condition("one", adapter=weights), Condition("own", own={says("c").name: weights})]
    evaluate(model, prompt, {"split": [says("c")]}, rivals, examples=1)
    assert moved == [model.device] * 2


def test_one_adapter_serves_every_row(model, prompt, says, tiny, tmp_path):
    lora = MultiTaskLora(tiny.generator(model).config)
    config = SFTConfig(80, 1, 8, learning_rate=1e-2, eval_every=0)
    SFTTrainer(lora, model, prompt, [says("c")], config, tmp_path / "run").train()
    rivals = [Condition("lora", adapter=lora.weights())]
    report = evaluate(model, prompt, {"s": [says("c"), says("e")]}, rivals, examples=12)
    assert exact_match(report, "lora") == 0.5


def test_the_described_rival_reads_the_description(model, prompt, tiny, monkeypatch):
    import t2l_fast.evaluate.measure as module

    told = []

    def spy(model, prompt, sources, *, max_new_tokens, descriptions=None):
        told.append(descriptions)
        return ["?"] * len(sources)

    monkeypatch.setattr(module, "answer", spy)
    task = tiny.task("one/right", tiny.shift(1))
    evaluate(model, prompt, {"s": [task]}, [Condition("d", described=True), BASE])
    assert {*told[0]} == {*task.eval_descriptions}
    assert told[1] is None


def test_matched_asks_for_evaluation_descriptions_and_junk_for_junk(model, prompt, tiny):
    tasks = [tiny.task(f"shift/{by}", tiny.shift(by)) for by in (2, 3)]
    for kind, allowed in (
        ("matched", {text for task in tasks for text in task.eval_descriptions}),
        ("junk", {*JUNK}),
    ):
        generator = Recorded(tiny.generator(model))
        rival = Condition("g", generator=generator, descriptions=kind)
        evaluate(model, prompt, {"s": tasks}, [rival])
        assert {*generator.asked} == allowed
        assert not any(text in task.descriptions for task in tasks for text in generator.asked)


def test_conditions_are_all_rivals_there_are(tiny, model):
    generator = tiny.generator(model)
    lora = MultiTaskLora(generator.config).weights()
    few = [c.name for c in conditions(generator)]
    every = [c.name for c in conditions(generator, multi_task=lora, multi_task_described=lora)]
    assert few == ["base", "base + description"] + [
        f"generated, {kind}" for kind in ("matched", "shuffled", "junk")
    ]
    assert {*every} - {*few} == {"multi-task LoRA", "multi-task LoRA + description"}


def test_questions_take_so_many_examples_and_turn_through_descriptions(tiny):
    task = tiny.task("one/a", tiny.shift(1))
    asked = questions([task], 6)
    assert sorted(q.example.input for q in asked) == list(tiny.letters[:6])
    counts = [sum(q.description == text for q in asked) for text in task.eval_descriptions]
    assert counts == [3, 3]
    assert questions([task], 6) == asked
    assert questions([task], 6, seed=1) != asked


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_descriptions_are_never_a_near_twins(tiny, seed):
    groups = ("up", "up", "up", None, None, "down", "down", "down")
    tasks = [tiny.task(f"one/{i}", tiny.shift(i), group=group) for i, group in enumerate(groups)]
    twins = {text: task.twins for task in tasks for text in task.eval_descriptions}
    asked = questions(tasks, 5, seed=seed)
    told = shuffled(asked)
    assert len(told) == len(asked) == 40
    assert all(twins[text] != q.task.twins for q, text in zip(asked, told, strict=True))
    assert len({*told}) > 4


def test_near_twins_alone_cannot_be_shuffled(tiny):
    tasks = [tiny.task(f"one/{i}", tiny.shift(i), group="same") for i in range(3)]
    with pytest.raises(ArgumentError, match="at least two tasks that are no near-twins"):
        shuffled(questions(tasks, 2))


def test_a_split_without_examples_is_refused(model, prompt, tiny):
    empty = tiny.task("one/a", tiny.shift(1), validation=())
    splits = {"full": [tiny.task("one/b", tiny.shift(1))], "empty": [empty]}
    with pytest.raises(ArgumentError, match="needs validation examples, got none in 1 tasks"):
        evaluate(model, prompt, splits, [BASE])
    with pytest.raises(ArgumentError, match="none in 0 tasks"):
        questions([], 4)


def test_a_task_without_evaluation_descriptions_is_refused(tiny):
    with pytest.raises(ArgumentError, match="one/a.* evaluation descriptions"):
        questions([tiny.task("one/a", tiny.shift(1), eval_descriptions=())], 4)


@pytest.mark.parametrize("kind", ["generator", "adapter"])
@pytest.mark.parametrize("fails", [False, True], ids=["finished", "after an error"])
def test_the_model_is_left_as_it_was(model, prompt, tiny, kind, fails):
    generator = tiny.generator(model)
    lora = MultiTaskLora(generator.config).weights()
    rival = {
        "generator": Condition("g", generator=generator),
        "adapter": Condition("a", adapter=lora),
    }[kind]
    before, parts = tiny.state(model), tiny.parts(model)

    def on_rows(count):
        if fails:
            raise KeyboardInterrupt

    splits = {"s": [tiny.task("one/a", tiny.shift(1))]}
    if fails:
        with pytest.raises(KeyboardInterrupt):
            evaluate(model, prompt, splits, [rival], on_rows=on_rows)
    else:
        evaluate(model, prompt, splits, [rival], on_rows=on_rows)
    assert tiny.parts(model) == parts
    assert [n for n, t in model.state_dict().items() if not torch.equal(t, before[n])] == []


REPORT = {
    name: {
        "train": {"exact_match": share, "rows": 40, "by_family": {}},
        "held_out": {"exact_match": share / 2, "rows": 12, "by_family": {}},
    }
    for name, share in (("base", 0.125), ("generated, matched", 0.75))
}


def test_the_table_shows_every_share():
    console = Console(width=120, record=True, file=open("/dev/null", "w"))
    console.print(table(REPORT))
    lines = console.export_text().splitlines()
    assert any("train (40 rows)" in line and "held_out (12 rows)" in line for line in lines)
    for name, shares in (("base", ("0.125", "0.062")), ("generated, matched", ("0.750", "0.375"))):
        (line,) = [line for line in lines if name in line]
        assert all(share in line for share in shares)


def test_the_plot_is_a_png_that_depends_on_the_numbers(tmp_path):
    pytest.importorskip("matplotlib", reason="plots need t2l_fast[bench]")
    plot(REPORT, tmp_path / "one.png")
    plot({"base": REPORT["base"]}, tmp_path / "two.png")
    first, second = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two"))
    assert first[:8] == second[:8] == b"\x89PNG\r\n\x1a\n"
    assert first != second
