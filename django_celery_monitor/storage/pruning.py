"""Deletes tasks in small batches, each a transaction of its own under the writer lock."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import Q

from django_celery_monitor.models import Installation, Task, TaskError
from django_celery_monitor.state.contributions import Cohort, minute_of
from django_celery_monitor.storage import cohorts, lock

BATCH: Final = 500


class Pruned(NamedTuple):
    """How many tasks a batch deleted, and where the next one goes on (``None``: done)."""

    deleted: int
    position: tuple[datetime, str] | None


def prune_batch(
    condition: Q,
    before: datetime,
    position: tuple[datetime, str] | None,
    using: str,
    *,
    limit: int = BATCH,
) -> Pruned:
    """Delete up to ``limit`` tasks of which nothing was heard since ``before``, oldest first.

    Their errors go with them and the cohort counts are lowered; the flow counts stay.
    """
    tasks = Task.objects.using(using)
    found = tasks.filter(condition, time__lt=before)
    if position:
        time, task_id = position
        found = found.filter(Q(time__gt=time) | Q(time=time, id__gt=task_id), time__gte=time)
    with transaction.atomic(using=using):
        lock.acquire(using)
        columns = ("id", "time", "name", "state", "updated_at", "eta")
        rows = list(found.order_by("time", "id").values_list(*columns)[:limit])
        old = [row for row in rows if row[4] < before and (row[5] is None or row[5] < before)]
        if not old:
            transaction.set_rollback(True, using=using)
        else:
            ids = [row[0] for row in old]
            tasks.filter(id__in=ids).delete()
            TaskError.objects.using(using).filter(task_id__in=ids).delete()
            cohorts.lower(
                [Cohort(minute_of(row[1].timestamp()), row[2], row[3]) for row in old], using
            )
            _raise_watermark(max(row[4] for row in old), using)
    full = len(rows) == limit
    return Pruned(len(old), (rows[-1][1], rows[-1][0]) if full else None)


def _raise_watermark(time: datetime, using: str) -> None:
    """An event no younger than this, of a task that is not stored, comes too late."""
    Installation.objects.using(using).filter(
        Q(pruned_before=None) | Q(pruned_before__lt=time), pk=1
    ).update(pruned_before=time)
