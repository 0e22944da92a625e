"""One batch, one transaction: load, unite, derive, write what changed, add to the counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import orjson
from django.db import transaction

from django_celery_monitor.conf import get_settings
from django_celery_monitor.events import PUBLISHED, SETTLED, Decoded, TaskEvent, Timestamp
from django_celery_monitor.models import BadEvent, Task
from django_celery_monitor.state.advance import begin
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import union
from django_celery_monitor.storage import history, known, lock, task_events, workers
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.counts import Tally
from django_celery_monitor.storage.errors import ErrorChanges
from django_celery_monitor.storage.flows import Latest
from django_celery_monitor.storage.recent import Life, Recent
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


def store(decoded: Decoded, arrived: Timestamp, using: str, recent: Recent | None = None) -> Stored:
    """Store a batch; repeating it, whole or in part, changes nothing.

    ``arrived``: when its messages came, by this machine's clock. Raises what the database raises,
    with nothing stored. ``recent``: of the process that stores one batch after the other.
    """
    recent = recent or Recent()
    with transaction.atomic(using=using):
        held = lock.acquire(using)
        lives = recent.at(held.batch)
        changes, late = _merge_tasks(decoded.tasks, held, lives, using)
        changes.save(using, recent.flows)
        tasks = [row[0] for row in changes.rows]
        hosts = _hosts([decoded.tasks[each] for each in tasks])
        prompt = _is_prompt(decoded)
        changed_workers = workers.merge(decoded.workers, hosts, arrived, using, prompt=prompt)
        recorded = history.record(decoded.workers, using)
        _quarantine(decoded.bad, arrived, using)
        if not (tasks or changed_workers or recorded or decoded.bad):
            transaction.set_rollback(True, using=using)
            recent.keep([], held.batch - 1)
            return Stored(0, [], [], late)
    recent.keep(changes.lives, held.batch)
    return Stored(held.revision, tasks, changed_workers, late)


def _hosts(arrivals: Iterable[list[TaskEvent]]) -> set[str]:
    """Workers that gave a sign of life."""
    return {
        event.hostname for each in arrivals for event in each if event.type not in _FROM_ELSEWHERE
    }


def _is_prompt(decoded: Decoded) -> bool:
    """A full batch may be one of many that waited; of a smaller one nothing waited for long."""
    events = sum(map(len, decoded.tasks.values())) + len(decoded.workers)
    return events < get_settings().BATCH_SIZE


def _merge_tasks(
    new: dict[str, list[TaskEvent]], held: lock.Held, lives: dict[str, Life], using: str
) -> tuple[_Changes, int]:
    """What changes, and how many events came too late."""
    changes = _Changes()
    if not new:
        return changes, 0
    watermark = held.pruned_before.timestamp() if held.pruned_before else 0.0
    late = 0
    others = [each for each, arrivals in new.items() if not changes.go_on(each, arrivals, lives)]
    stored = known.load([each for each in others if each not in lives], using)
    for task_id in others:
        life, arrivals = lives.get(task_id), new[task_id]
        before = life.events(task_id) if life else stored.get(task_id, [])
        events = union(before, arrivals)
        if events is before:
            continue
        if not before and events[-1].timestamp <= watermark:
            # Delivered again after retention deleted it: it must not come back to life.
            late += len(events)
            continue
        changes.add(task_id, before, events)
    return changes, late


class _Changes:
    """What a batch does to the tasks and to all that is counted of them."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        # Of each row, for ``Recent``.
        self.lives: list[tuple[str, Life | None]] = []
        self._tally = Tally()
        self._totals = TotalsTally()
        self._errors = ErrorChanges()

    def go_on(self, task_id: str, arrivals: list[TaskEvent], lives: dict[str, Life]) -> bool:
        """Take the short way, for the next events of a usual life; whether it was one."""
        life = lives.get(task_id)
        then = life.after(arrivals) if life else None
        if life is None or then is None:
            return False
        self._tally.go_on(life.facts, then.facts)
        self._totals.add_new(arrivals, then.facts.name, life.facts.queue)
        self.rows.append(task_row(task_id, then.facts, then.text))
        self.lives.append((task_id, None if then.facts.finished else then))
        return True

    def add(self, task_id: str, before: list[TaskEvent], events: list[TaskEvent]) -> None:
        """``before``: what was stored; no events of a new task."""
        begun = begin(events[0]) if len(events) == 1 else None
        facts = begun or derive(events)
        text = task_events.encode(events, facts)
        if before:
            old = derive(before)
            self._tally.move(old, facts)
            self._errors.add(task_id, events, facts, before, old)
            self._totals.add(events, facts.name, before, old.name)
        else:
            self._tally.add_cohort(facts)
            if not begun:
                self._tally.add_flows(facts)
                self._errors.add(task_id, events, facts, [], None)
            self._totals.add_new(events, facts.name)
        self.rows.append(task_row(task_id, facts, text))
        self.lives.append((task_id, Life.of(events, facts, text)))

    def save(self, using: str, latest: Latest) -> None:
        upsert(Task, COLUMNS, ("id",), self.rows, using)
        self._errors.save(using)
        self._tally.save(using, latest)
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
