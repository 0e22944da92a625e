"""Who called a task, whom it called, and how others of its type went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Task, TaskError, TaskStats
from django_celery_monitor.state.sketch import merge, quantile
from django_celery_monitor.state.states import GROUPS

SHOWN: Final = 50
SIBLINGS: Final = 60
NARROW: Final = (
    *("id", "name", "state", "known_by", "time", "retries", "runtime"),
    *("started_at", "finished_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """``root`` only where it is neither the task itself nor its parent."""

    root: Task | None
    parent: Task | None
    children: list[Task]
    more_children: bool


def family(user: User, task: Task) -> Family:
    tasks = get_policy().visible(user, Task.objects.only(*NARROW))
    elders = tasks.in_bulk({task.root_id, task.parent_id} - {"", task.id})
    children = list(tasks.filter(parent_id=task.id).order_by("time", "id")[: SHOWN + 1])
    parent = elders.pop(task.parent_id, None)
    return Family(
        root=elders.get(task.root_id),
        parent=parent,
        children=children[:SHOWN],
        more_children=len(children) > SHOWN,
    )


def siblings(user: User, task: Task) -> list[Task]:
    """The last finished tasks of this type up to this one, oldest first."""
    ended = [state for group in ("succeeded", "failed") for state in GROUPS[group]]
    same = Task.objects.filter(name=task.name, state__in=ended, time__lte=task.time)
    rows = get_policy().visible(user, same).only(*NARROW).order_by("-time", "-id")
    return list(rows[:SIBLINGS])[::-1]


def usual_wait(user: User, task: Task, now: datetime) -> float | None:
    """The median wait of this type over the last day, in seconds."""
    rows = TaskStats.objects.filter(
        period=TaskStats.Period.HOUR,
        grain=TaskStats.Grain.NAME,
        label=task.name,
        start__gte=now - timedelta(days=1),
    )
    bins = get_policy().visible(user, rows).values_list("wait_bins", flat=True)
    sketches = [orjson.loads(text or "{}") for text in bins]
    return quantile(merge({int(k): n for k, n in each.items()} for each in sketches), 0.5)


def errors(user: User, task: Task) -> list[TaskError]:
    """The latest failures and retries of a task, newest first."""
    rows = TaskError.objects.filter(task_id=task.id, duplicate=False).order_by("-time", "-id")
    return list(get_policy().visible(user, rows)[:20])
