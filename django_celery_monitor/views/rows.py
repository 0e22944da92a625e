"""Tasks as rows of a list, with no more of them than the reader may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.models import Task
from django_celery_monitor.reading.call import call

# What no list shows; without the right, nor may the payload leave the database.
NEVER: Final = ("events", "search", "result", "exception")
PAYLOAD: Final = ("args", "kwargs")
# A row has room for less than this.
LONGEST: Final = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``call`` is ``None`` for a reader who may not see this task's arguments."""

    task: Task
    call: str | None


def tasks_for(user: User) -> QuerySet[Task]:
    policy = get_policy()
    tasks = policy.visible(user, Task.objects.all())
    if policy.can(user, VIEW_TASK_ARGUMENTS):
        return tasks.defer(*NEVER)
    return tasks.defer(*NEVER, *PAYLOAD)


def rows(user: User, tasks: Iterable[Task]) -> list[Row]:
    policy = get_policy()
    if not policy.can(user, VIEW_TASK_ARGUMENTS):
        return [Row(task=task, call=None) for task in tasks]
    if not policy.looks_at_objects:
        return [Row(task=task, call=_call(task)) for task in tasks]
    return [
        Row(task=task, call=_call(task) if policy.can(user, VIEW_TASK_ARGUMENTS, task) else None)
        for task in tasks
    ]


def _call(task: Task) -> str:
    text = ", ".join(call(task.args[:LONGEST], task.kwargs[:LONGEST]))
    return text[:LONGEST]
