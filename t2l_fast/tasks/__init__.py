"""Tasks: the built-in suite, task files, and what prompts look like."""

from t2l_fast.tasks.answer import answer
from t2l_fast.tasks.folder import read_tasks
from t2l_fast.tasks.junk import JUNK
from t2l_fast.tasks.prompt import COMPACT, Prompt
from t2l_fast.tasks.suite import Suite, load_suite
from t2l_fast.tasks.t2l_folder import is_t2l_folder, read_t2l_descriptions, read_t2l_folder
from t2l_fast.tasks.task import Example, Task

__all__ = [
    "COMPACT",
    "JUNK",
    "Example",
    "Prompt",
    "Suite",
    "Task",
    "answer",
    "is_t2l_folder",
    "load_suite",
    "read_t2l_descriptions",
    "read_t2l_folder",
    "read_tasks",
]
