"""How long tasks waited for a worker, for the lines of a graph that lead to them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.words import duration
from django_celery_monitor.state.states import group

# From so many seconds on, a line is one step hotter.
STEPS: Final = (1.0, 10.0, 60.0)
_UNITS: Final = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))


def legend() -> list[tuple[int, str]]:
    texts = (_("under 1 s"), _("1 to 10 s"), _("10 s to 1 min"), _("over 1 min"))
    return list(enumerate(texts))


def waited(task: Task, now: datetime) -> timedelta | None:
    """From being due to its start; until ``now`` while it still waits."""
    begun = task.sent_at or task.received_at
    if task.started_at or task.finished_at or begun is None or group(task.state) != "waiting":
        return task.wait
    return max(now - max(begun, task.eta or begun), timedelta())


def longest(tasks: Iterable[Task], now: datetime) -> timedelta | None:
    return max((each for task in tasks if (each := waited(task, now)) is not None), default=None)


def roughly(wait: timedelta) -> str:
    """In one unit: a node has no room for more."""
    unit = next((unit for unit in _UNITS if wait >= unit), None)
    return duration(wait // unit * unit if unit else wait)


def heat(wait: timedelta | None) -> int:
    return bisect_right(STEPS, wait.total_seconds()) if wait is not None else 0
