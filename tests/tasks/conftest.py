"""Task folders as Text-to-LoRA publishes them, with local data sets of the hub's form."""

import json
from types import SimpleNamespace

import pytest
import yaml

DESCRIPTIONS = 12


def sni_text(definition: str, problem: str) -> str:
    shots = "".join(f"Positive Example {n} -\nInput: shot {n}\nOutput: {n}\n\n" for n in (1, 2))
    asked = f"Now complete the following example -\nInput: {problem}\nOutput:"
    return f"Definition: {definition}\n\n{shots}{asked}"


def sni_rows(word: str, count: int = 20) -> list[dict]:
    return [
        {"input": sni_text(f"Say {word}.", f"{word} {n}"), "output": [f"{n}"], "id": f"{word}-{n}"}
        for n in range(count)
    ]


def metadata(path: str, **changes) -> dict:
    return {
        "descriptions": [f"Do {path.split('/')[-1]}, {n}." for n in range(DESCRIPTIONS)],
        "ds_kwargs": {"path": path, "name": "default", "split": "train[:10000]"},
        "user_prompt_template": "{task_def}\n\n{problem}",
        "response_field": "answer",
        "system_message": "",
        "assistant_prefill": "",
    } | changes


class Folders:
    """`root/tasks` and `root/data`, filled task by task."""

    def __init__(self, root) -> None:
        self.tasks, self.data = root / "tasks", root / "data"
        self.tasks.mkdir()
        self.data.mkdir()

    def task(self, name: str, path: str, **changes):
        folder = self.tasks / name
        folder.mkdir()
        (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata(path, **changes)))
        return folder

    def rows(self, path: str, rows: list[dict], split: str = "train"):
        folder = self.data / path
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{split}.jsonl"
        file.write_text("\n".join(json.dumps(row) for row in rows))
        return file

    def sni(self, name: str, word: str, count: int = 20):
        path = f"Lots-of-LoRAs/task{name.removeprefix('lol_')}_{word}_generation"
        self.task(name, path)
        return self.rows(path, sni_rows(word, count))


@pytest.fixture
def folders(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets", reason="reading task folders needs datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return Folders(tmp_path)


@pytest.fixture
def sni():
    return SimpleNamespace(text=sni_text, rows=sni_rows)
