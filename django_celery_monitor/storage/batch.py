"""One batch, one transaction: load, unite, derive, write what changed, add to the counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import transaction

from django_celery_monitor.events import SETTLED, Decoded, TaskEvent, Timestamp
from django_celery_monitor.models import BadEvent, Task
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.errors import marks
from django_celery_monitor.state.event_set import union
from django_celery_monitor.storage import known, lock, workers
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.counts import Tally
from django_celery_monitor.storage.errors import ErrorChanges
from django_celery_monitor.storage.rows import COLUMNS, moment, task_row


class Stored(NamedTuple):
    """What a batch changed; ``revision`` is 0 when it changed nothing."""

    revision: int
    tasks: list[str]
    workers: list[str]
    # Events refused because retention had deleted their task.
    late: int


def store(decoded: Decoded, arrived: Timestamp, using: str) -> Stored:
    """Store a batch; repeating it, whole or in part, changes nothing.

    ``arrived``: when its messages came, by this machine's clock. Raises what the database raises,
    with nothing stored.
    """
    with transaction.atomic(using=using):
        held = lock.acquire(using)
        tasks, late = _merge_tasks(decoded.tasks, held.pruned_before, using)
        hosts = {
            event.hostname
            for each in tasks
            for event in decoded.tasks[each]
            if event.type not in ("sent", SETTLED)
        }
        changed_workers = workers.merge(decoded.workers, hosts, arrived, using)
        _quarantine(decoded.bad, arrived, using)
        if not (tasks or changed_workers or decoded.bad):
            transaction.set_rollback(True, using=using)
            return Stored(0, [], [], late)
    return Stored(held.revision, tasks, changed_workers, late)


def _merge_tasks(
    new: dict[str, list[TaskEvent]], pruned_before: datetime | None, using: str
) -> tuple[list[str], int]:
    """The ids of the tasks that changed, and how many events came too late."""
    if not new:
        return [], 0
    watermark = pruned_before.timestamp() if pruned_before else 0.0
    late = 0
    stored = known.load(list(new), using)
    rows: list[tuple[Any, ...]] = []
    tally, errors = Tally(), ErrorChanges()
    for task_id, arrivals in new.items():
        before = stored.get(task_id, [])
        events = union(before, arrivals)
        if events is before:
            continue
        if not before and events[-1].timestamp <= watermark:
            # Delivered again after retention deleted it: it must not come back to life.
            late += len(events)
            continue
        facts = derive(events)
        if before:
            old = derive(before)
            tally.add(old, -1)
            errors.add(task_id, events, facts, marks(before, old))
        else:
            errors.add(task_id, events, facts, {})
        tally.add(facts, 1)
        rows.append(task_row(task_id, facts, events))
    upsert(Task, COLUMNS, ("id",), rows, using)
    errors.save(using)
    tally.save(using)
    return [row[0] for row in rows], late


def _quarantine(bad: list[tuple[str, str]], arrived: Timestamp, using: str) -> None:
    BadEvent.objects.using(using).bulk_create(
        BadEvent(
            arrived_at=moment(arrived), reason=reason[:255], body=body, whole=_is_whole(body)
        )
        for reason, body in bad[:100]
    )


def _is_whole(body: str) -> bool:
    """Whether an event can be read from it again: a cut JSON text is none."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True
