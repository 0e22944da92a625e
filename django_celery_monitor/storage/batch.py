"""One batch, one transaction: load, unite, derive, write what changed, add to the counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from django.db import transaction

from django_celery_monitor.conf import get_settings
from django_celery_monitor.events import PUBLISHED, SETTLED, Decoded, TaskEvent, Timestamp
from django_celery_monitor.models import BadEvent, Task
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.errors import marks
from django_celery_monitor.state.event_set import union
from django_celery_monitor.storage import history, known, lock, workers
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.counts import Tally
from django_celery_monitor.storage.errors import ErrorChanges
from django_celery_monitor.storage.rows import COLUMNS, moment, task_row
from django_celery_monitor.storage.totals import TotalsTally

# No sign of life of a worker: their host published the task, or is ours.
_FROM_ELSEWHERE: Final = frozenset({"sent", PUBLISHED, SETTLED})


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
            if event.type not in _FROM_ELSEWHERE
        }
        prompt = _is_prompt(decoded)
        changed_workers = workers.merge(decoded.workers, hosts, arrived, using, prompt=prompt)
        recorded = history.record(decoded.workers, using)
        _quarantine(decoded.bad, arrived, using)
        if not (tasks or changed_workers or recorded or decoded.bad):
            transaction.set_rollback(True, using=using)
            return Stored(0, [], [], late)
    return Stored(held.revision, tasks, changed_workers, late)


def _is_prompt(decoded: Decoded) -> bool:
    """A full batch may be one of many that waited; of a smaller one nothing waited for long."""
    events = sum(map(len, decoded.tasks.values())) + len(decoded.workers)
    return events < get_settings().BATCH_SIZE


def _merge_tasks(
    new: dict[str, list[TaskEvent]], pruned_before: datetime | None, using: str
) -> tuple[list[str], int]:
    """The ids of the tasks that changed, and how many events came too late."""
    if not new:
        return [], 0
    watermark = pruned_before.timestamp() if pruned_before else 0.0
    late = 0
    stored = known.load(list(new), using)
    changes = _Changes()
    for task_id, arrivals in new.items():
        before = stored.get(task_id, [])
        events = union(before, arrivals)
        if events is before:
            continue
        if not before and events[-1].timestamp <= watermark:
            # Delivered again after retention deleted it: it must not come back to life.
            late += len(events)
            continue
        changes.add(task_id, before, events)
    changes.save(using)
    return [row[0] for row in changes.rows], late


class _Changes:
    """What a batch does to the tasks and to all that is counted of them."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._tally = Tally()
        self._totals = TotalsTally()
        self._errors = ErrorChanges()

    def add(self, task_id: str, before: list[TaskEvent], events: list[TaskEvent]) -> None:
        """``before``: the events that were stored; none of a new task."""
        facts = derive(events)
        if before:
            old = derive(before)
            self._tally.add(old, -1)
            self._errors.add(task_id, events, facts, marks(before, old))
            self._totals.add(events, facts.name, before, old.name)
        else:
            self._errors.add(task_id, events, facts, {})
            self._totals.add_new(events, facts.name)
        self._tally.add(facts, 1)
        self.rows.append(task_row(task_id, facts, events))

    def save(self, using: str) -> None:
        upsert(Task, COLUMNS, ("id",), self.rows, using)
        self._errors.save(using)
        self._tally.save(using)
        self._totals.save(using)


def _quarantine(bad: list[tuple[str, str]], arrived: Timestamp, using: str) -> None:
    BadEvent.objects.using(using).bulk_create(
        BadEvent(arrived_at=moment(arrived), reason=reason[:255], body=body, whole=_is_whole(body))
        for reason, body in bad[:100]
    )


def _is_whole(body: str) -> bool:
    """Whether an event can be read from it again: a cut JSON text is none."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True
