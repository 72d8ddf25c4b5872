"""The task file that the documentation shows."""

import re
from pathlib import Path

from t2l_fast.tasks import read_tasks


def test_the_task_file_of_the_documentation_is_one(tmp_path):
    """Split as that page says: the last 4 descriptions, and 80% of the inputs."""
    page = (Path(__file__).parents[2] / "docs" / "guides" / "tasks.md").read_text()
    (tmp_path / "plural.json").write_text(re.search(r"```json\n(.*?)```", page, re.DOTALL)[1])
    (task,) = read_tasks(tmp_path, train_fraction=0.8)
    assert (len(task.descriptions), len(task.eval_descriptions)) == (2, 4)
    assert (len(task.train), len(task.validation)) == (2, 1)
