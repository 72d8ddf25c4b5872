"""Reports: what the page says is what the metrics hold, and nothing in it is markup of others."""

import base64
import json
import os
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

import t2l_fast.train.report as module
from t2l_fast import cli
from t2l_fast.errors import CheckpointError, MissingPackage
from t2l_fast.tasks import Prompt
from t2l_fast.train import OracleConfig, SFTTrainer, WarmStartConfig, train_library
from t2l_fast.train.report import write_report

pytest.importorskip("matplotlib", reason="reports need the package matplotlib")


class Page(HTMLParser):
    """Tags, text, pictures and the rows of tables, as a browser would see them."""

    def __init__(self, path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.pictures: dict[str, bytes] = {}
        self.addresses: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self._cell = False
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        self.addresses += [v for k, v in found.items() if k in ("src", "href", "onerror")]
        if tag == "img":
            kind, data = found["src"].split(",", 1)
            assert kind == "data:image/png;base64"
            self.pictures[found["alt"]] = base64.b64decode(data)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.text += data
        if self._cell:
            self.tables[-1][-1][-1] += data

    def rows(self, table: int = 0) -> dict[str, list[str]]:
        return {row[0]: row[1:] for row in self.tables[table]}


@pytest.fixture
def report(tmp_path):
    """Writes a report of folders and reads it."""

    def make(*folders, out="report") -> Page:
        page = Page(write_report(folders, tmp_path / out))
        assert page.addresses and all(a.startswith("data:image/png") for a in page.addresses)
        assert not page.tags & {"script", "link", "iframe"}
        for picture in page.pictures.values():
            assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        return page

    return make


@pytest.fixture
def written(tmp_path):
    """A run's folder with these lines of metrics and settings."""

    def make(lines, name="run", settings=None, torn=""):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "metrics.jsonl").write_text(text + torn)
        if settings is not None:
            (folder / "settings.json").write_text(json.dumps(settings))
        return folder

    return make


def line(step: int, **more) -> dict:
    return {"step": step, "loss": 1.0 / step, "seconds": 0.5} | more


def test_a_run_is_told_in_numbers_and_curves(runs, trainer, tasks, report):
    made = trainer(held_out={"held_out": tasks[:2]})
    made.train()
    page = report(made.folder)
    last = runs.metrics(made.folder)[-1]
    rows = page.rows()
    assert rows["steps done"] == [f"{runs.STEPS} of {runs.STEPS} steps"]
    for split in ("train", "held_out"):
        for kind in ("matched", "shuffled", "junk"):
            (cell,) = rows[f"{split.replace('_', ' ')}, {kind}"]
            assert cell.startswith(f"{last[f'{split}_{kind}']:.3f}")
    assert rows["kept in best/"][0].startswith("held_out_matched")
    assert page.rows(1)["sft.learning_rate"] == ["0.01"]
    assert set(page.pictures) == {
        "Loss",
        "Exact match, train",
        "Exact match, held out",
        "Learning rate",
        "Gradient norm before clipping",
        "Where a step's time goes",
    }
    files = {path.read_bytes() for path in (made.folder.parent / "report" / "plots").iterdir()}
    assert files == set(page.pictures.values())


def test_runs_are_compared_side_by_side(trainer, report):
    for folder, seed in (("a", 1), ("b", 2)):
        trainer(folder, seed=seed).train()
    folder = trainer("c").folder.parent
    page = report(folder / "a", folder / "b", folder / "a")
    assert page.tables[0][0] == ["", "a", "b"]
    differing = page.rows(1)
    assert {name: cells for name, cells in differing.items() if name} == {"sft.seed": ["1", "2"]}
    assert page.rows(2)["sft.steps"] == ["5", "5"]


def test_runs_of_one_name_are_told_apart(written, report):
    folders = [written([line(1), line(2)], name=f"{parent}/run") for parent in ("x", "y")]
    assert report(*folders).tables[0][0] == ["", "x/run", "y/run"]


def test_highest_is_said_where_it_is_not_the_last(written, report):
    values = (0.1, 0.5, 0.3)
    folder = written([line(i + 1, train_matched=v) for i, v in enumerate(values)])
    assert report(folder).rows()["train, matched"] == ["0.300 (highest 0.500, step 2)"]


def test_a_curve_depends_on_its_numbers(written, report):
    first = report(written([line(i) for i in range(1, 9)], "one/r"), out="1")
    second = report(written([line(i, loss=i) for i in range(1, 9)], "two/r"), out="2")
    same = report(written([line(i) for i in range(1, 9)], "three/r"), out="3")
    assert first.pictures["Loss"] != second.pictures["Loss"]
    assert first.pictures == same.pictures


def test_a_warm_start_has_curves_of_its_own(tiny, runs, tasks, tmp_path, report):
    model = tiny.taught()
    warm = WarmStartConfig(steps=1, tasks_at_once=2, fit_steps=40)
    folder = tmp_path / "run"
    prompt = Prompt(tiny.tokenizer())
    made = SFTTrainer(
        tiny.generator(model), model, prompt, tasks, runs.config(), folder, warm_start=warm
    )

    def stop(line):
        if line.get("phase") == "fit":
            raise runs.Interrupted

    with pytest.raises(runs.Interrupted):
        made.train(on_step=stop)
    page = report(folder)
    assert page.rows()["steps done"] == ["warm start: fit 20 of 40"]
    assert set(page.pictures) == {"Warm start, oracles", "Warm start, fit"}


def test_task_loras_report_too(tiny, tasks, tmp_path, report):
    from t2l_fast import LoraConfig

    lora = LoraConfig(("q_proj",), 2, 4)
    config = OracleConfig(steps=2, tasks_at_once=2)
    prompt = Prompt(tiny.tokenizer())
    train_library(tiny.model(), prompt, tasks, lora, config, tmp_path / "library")
    page = report(tmp_path / "library")
    assert page.rows()["steps done"] == ["6 of 6 task LoRAs"]
    assert page.rows(1)["lora.rank"] == ["2"]
    assert set(page.pictures) == {"Loss"}


def test_reconstruction_has_one_time_a_step(written, report):
    more = dict(gradient_norm=1.0, learning_rate=1e-3)
    folder = written([line(i, **more) for i in range(1, 500)], settings={"recon": {"steps": 900}})
    page = report(folder)
    assert page.rows()["steps done"] == ["499 of 900 steps"]
    assert page.rows()["time in steps"] == ["4 min 10 s"]
    assert len(page.pictures) == 4


def test_a_split_may_be_called_anything(written, report):
    page = report(written([{"step": 1, "loss": 9.0, "{0} {x}_matched": 0.5}]))
    assert "Exact match, {0} {x}" in page.pictures


def test_reconstruction_shows_its_loss_under_own_and_other_descriptions(written, report):
    def lines(shuffled):
        return [
            {"step": i, "loss": 9.0, "matched_loss": 3.0 / i, "shuffled_loss": shuffled}
            for i in range(1, 4)
        ]

    title = "Reconstruction under a task's own description and another's"
    first = report(written(lines(3.0))).pictures
    assert title in first
    assert report(written(lines(2.0), "other/run"), out="second").pictures[title] != first[title]
    assert title not in report(written([{"step": 1, "loss": 9.0}], "plain"), out="third").pictures


@pytest.mark.parametrize(
    ("lines", "torn", "said"),
    [
        pytest.param([line(1), line(2)], '{"step": 3, "lo', "2 steps", id="torn last line"),
        pytest.param([line(1)], "", "1 steps", id="one step"),
        pytest.param([], "", "no steps yet", id="nothing yet"),
        pytest.param([line(1, loss=float("nan")), line(2)], "", "2 steps", id="NaN"),
        pytest.param([line(1), {"step": 2, "loss": None, "note": "x"}], "", "2 steps", id="odd"),
    ],
)
def test_a_run_that_is_not_done_has_a_report(written, tmp_path, lines, torn, said):
    page = Page(write_report([written(lines, torn=torn)], tmp_path / "out"))
    assert page.rows()["steps done"] == [said]


def test_text_from_files_is_text_on_the_page(written, report):
    name = "<img src=x onerror=alert(1)> & $x_{1$ _"
    bold = "<b>bold</b>"
    lines = [{**line(1), f"{bold}_matched": 0.5}, line(2)]
    lines.append({"step": 0, "phase": "<i>", "done": 1, "of": 2, "loss": 1.0})
    folder = written(lines, name, {"sft": {"note": bold, bold: 1}})
    page = report(folder, written([line(1), line(2)], "_other"))
    assert not page.tags & {"b", "i", "script"}
    assert name in page.tables[0][0] and f"{bold}, matched" in page.rows()
    assert page.rows(1)["sft.note"][0] == bold
    assert f"Exact match, {bold}" in page.pictures
    plots = folder.parent / "report" / "plots"
    assert {path.name for path in plots.iterdir()} >= {"accuracy_-b-bold-b-.png", "loss.png"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "must hold metrics.jsonl", id="no run"),
        pytest.param("nonsense\n", "can't be read", id="no JSON"),
        pytest.param('{"loss": 1}\n', "can't be read: 'step'", id="no step"),
        pytest.param('{"step": "1"}\n', "a step must be a number", id="a step that is text"),
        pytest.param("[1]\n", "can't be read", id="no mapping"),
    ],
)
def test_what_is_no_run_is_one_sentence_and_writes_nothing(tmp_path, text, said):
    folder = tmp_path / "run"
    folder.mkdir()
    if text is not None:
        (folder / "metrics.jsonl").write_text(text)
    with pytest.raises(CheckpointError, match=said):
        write_report([folder], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_the_remedy_is_named(written, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="pip install matplotlib"):
        write_report([written([line(1)])], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_where_it_says(written, tmp_path, monkeypatch):
    one, two = (written([line(1), line(2)], name) for name in ("one", "two"))
    monkeypatch.chdir(tmp_path)
    for arguments, expected in (
        ([one], one),
        ([one, two], tmp_path / "report"),
        ([one, "-o", tmp_path / "here"], tmp_path / "here"),
    ):
        result = CliRunner().invoke(cli.app, ["report", *map(str, arguments)])
        assert result.exit_code == 0, result.exception
        page = expected / "report.html"
        assert page.exists() and os.path.samefile(result.stdout.strip(), page)
        assert (expected / "plots" / "loss.png").exists()
