"""Tasks by name: the modules of `tasks/`."""

from __future__ import annotations

from monoglot.evaluation.task import EncoderTask, TrainedTask
from monoglot.registry import Registry

AnyTask = TrainedTask | EncoderTask
TASKS: Registry[AnyTask] = Registry("task", "monoglot.evaluation.tasks")
register = TASKS.register


def task_names() -> list[str]:
    """The names of all tasks, in alphabetical order."""
    return list(TASKS)


def get_task(name: str) -> AnyTask:
    """Make the task of the given name.

    Raises:
        SettingError: If there is none.
    """
    return TASKS[name]()
