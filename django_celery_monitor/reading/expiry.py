"""Until when a task is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django_celery_monitor.conf import Settings
from django_celery_monitor.models import Task
from django_celery_monitor.state.states import group
from django_celery_monitor.upkeep.retention import YOUNGEST

SOON: Final = timedelta(days=1)


def kept_until(task: Task, settings: Settings) -> datetime | None:
    """``None``: by age, never. Retention deletes in batches, so it may be some minutes later.

    How many tasks are kept at most says nothing of when that is of one of them.
    """
    days = _days(task, settings)
    if days is None:
        return None
    age = max(timedelta(days=days), YOUNGEST)
    latest = max(task.updated_at, task.eta or task.updated_at)
    try:
        return latest + age
    except OverflowError:
        return None


def _days(task: Task, settings: Settings) -> float | None:
    """As ``upkeep.retention.rules``: by name, the longest pattern first, by outcome, by default."""
    chosen = settings.RETENTION_DAYS_BY
    if task.name in chosen:
        return chosen[task.name]
    patterns = [key for key in chosen if key.endswith("*") and task.name.startswith(key[:-1])]
    if patterns:
        return chosen[max(patterns, key=len)]
    return chosen.get(group(task.state), settings.RETENTION_DAYS)
