"""Compares what is stored with what was published, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Sum

from benchmarks.stream import Message
from django_celery_monitor.events import SETTLED
from django_celery_monitor.models import BadEvent, Task, TaskError, TaskTotals, Worker
from django_celery_monitor.state.totals import KINDS
from django_celery_monitor.storage.rows import events_of
from django_celery_monitor.upkeep.recount import differences
from tests.faults.publishing import Publisher
from tests.faults.sizes import PATIENCE
from tests.faults.truth import Identity, Told, Truth, moment
from tests.waiting import wait_until

_SHOWN = 10
_CERTAIN = frozenset({"name", "state", "args", "kwargs", "worker", "queue", "time", "updated_at"})
# Numbers of tasks and events that were found equal, for the report.
compared: list[tuple[int, int]] = []


def wait_until_stored(truth: Truth, using: str, alive: Callable[[], bool]) -> None:
    """Until as many distinct events are counted as were published, or the collector ended."""
    events = truth.events
    wait_until(lambda: counted(using) >= events or not alive(), timeout=PATIENCE, interval=0.2)


def send_in_rounds(
    publisher: Publisher,
    messages: Iterator[Message],
    truth: Truth,
    using: str,
    alive: Callable[[], bool],
) -> None:
    """Each when the one before is stored: Redis buffers less than a collector can be behind."""
    while part := list(islice(messages, 2_000)):
        publisher.send(part)
        wait_until_stored(truth, using, alive)


def counted(using: str) -> int:
    """How many distinct events of tasks were stored, as the totals have it."""
    rows = TaskTotals.objects.using(using).filter(grain=TaskTotals.Grain.NAME)
    return sum(filter(None, rows.aggregate(**{kind: Sum(kind) for kind in KINDS}).values()))


def assert_equal(truth: Truth, using: str, in_flight: Set[str] = frozenset()) -> None:
    """Rows, errors, totals and counts are what was published: no more, no less, none otherwise.

    ``in_flight``: tasks amid whose run a clock was set. When they were received and started depends
    on whom one believes; what they are must not.
    """
    assert list(islice(_wrong_tasks(truth, using, in_flight), _SHOWN)) == []
    assert list(islice(_wrong_errors(truth, using), _SHOWN)) == []
    assert totals(using) == truth.totals()
    assert differences(using) == []
    assert not BadEvent.objects.using(using).exists()
    hosts = Worker.objects.using(using).values_list("hostname", flat=True)
    assert truth.workers <= set(hosts)
    compared.append((len(truth.tasks), truth.events))


def totals(using: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for row in TaskTotals.objects.using(using).filter(grain=TaskTotals.Grain.NAME):
        found.update({(row.name, kind): getattr(row, kind) for kind in KINDS})
    return +found


def stored_events(using: str) -> dict[str, set[Identity]]:
    """By task, which of its events are stored."""
    return {task.pk: _told(task) for task in _tasks(using)}


def _told(task: Task) -> set[Identity]:
    """Without our own conclusions: a stream that stands still looks like workers that died."""
    return {event[:5] for event in events_of(task) if event.type != SETTLED}


def _tasks(using: str) -> Iterator[Task]:
    return Task.objects.using(using).order_by().iterator(2000)


def _wrong_tasks(truth: Truth, using: str, in_flight: Set[str]) -> Iterator[str]:
    missing = set(truth.tasks)
    for task in _tasks(using):
        told = truth.tasks.get(task.pk)
        if told is None:
            yield f"{task.pk} was never published"
            continue
        missing.remove(task.pk)
        only = _CERTAIN if task.pk in in_flight else told.row.keys()
        yield from (f"{task.pk}: {each}" for each in _wrong_fields(task, told, only))
    yield from (f"{task_id} is missing" for task_id in missing)


def _wrong_fields(task: Task, told: Told, only: Set[str]) -> Iterator[str]:
    events = _told(task)
    if events != told.events:
        yield f"events differ: {sorted(events ^ told.events)}"
    if task.known_by != "worker":
        yield f"known by {task.known_by}"
    if task.running_again and only is not _CERTAIN:
        yield "running again"
    for field in only:
        value = told.row[field]
        is_time = field == "time" or field.endswith("_at")
        should = moment(value) if is_time and value is not None else value
        if (stored := getattr(task, field)) != should:
            yield f"{field} is {_text(stored)}, not {_text(should)}"


def _wrong_errors(truth: Truth, using: str) -> Iterator[str]:
    expected = {(pk, *error) for pk, told in truth.tasks.items() for error in told.errors}
    fields = ("task_id", "worker", "time", "retry", "message", "traceback")
    rows = TaskError.objects.using(using).order_by().values_list(*fields)
    stored = [(*row[:-1], row[-1].strip()) for row in rows.iterator(2000)]
    if len(stored) != len(expected):
        yield f"{len(stored)} errors, not {len(expected)}"
    yield from (str(each) for each in expected.symmetric_difference(stored))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)
