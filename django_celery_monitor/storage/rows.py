"""Between ``Facts`` and the columns of a ``Task``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, overload

from django_celery_monitor.events import TaskEvent, Timestamp
from django_celery_monitor.models import Task
from django_celery_monitor.state.derive import Facts, derive
from django_celery_monitor.storage import task_events

# In the order of ``task_row``.
COLUMNS: Final = (
    "id",
    "name",
    "state",
    "known_by",
    "time",
    "sent_at",
    "received_at",
    "started_at",
    "finished_at",
    "updated_at",
    "eta",
    "expires",
    "worker",
    "queue",
    "args",
    "kwargs",
    "result",
    "exception",
    "runtime",
    "retries",
    "running_again",
    "root_id",
    "parent_id",
    "group_id",
    "priority",
    "periodic_name",
    "origin",
    "search",
    "events",
)
_ROOT: Final = task_events.SHARED.index("root_id")
_MAX_RETRIES: Final = 2**31 - 1


def events_of(task: Task) -> list[TaskEvent]:
    """The events that a row was derived from, without tracebacks."""
    if not task.events:
        return []
    return stored_events(task.id, task.events, [getattr(task, each) for each in task_events.SHARED])


def stored_events(task_id: str, text: str, shared: Sequence[Any]) -> list[TaskEvent]:
    """The events of a row; ``shared`` are its ``task_events.SHARED`` columns."""
    values = list(shared)
    values[_ROOT] = values[_ROOT] or task_id
    return task_events.decode(text, values)


def facts_of(task: Task) -> Facts:
    """What the row was derived from, with its runs; the task must hold events."""
    return derive(events_of(task))


def task_row(task_id: str, facts: Facts, events: list[TaskEvent]) -> tuple[Any, ...]:
    """The values of ``COLUMNS``."""
    return (
        task_id,
        facts.name,
        facts.state,
        facts.known_by,
        moment(facts.time),
        moment(facts.sent),
        moment(facts.received),
        moment(facts.started),
        moment(facts.finished),
        moment(facts.updated),
        moment(facts.eta),
        moment(facts.expires),
        facts.worker,
        facts.queue,
        facts.args,
        facts.kwargs,
        facts.result,
        facts.exception,
        facts.runtime,
        min(facts.retries, _MAX_RETRIES),
        facts.running_again,
        # Most tasks are the root of their family; saying so would cost a tenth of the table.
        "" if facts.root_id == task_id else facts.root_id,
        facts.parent_id,
        facts.group_id,
        facts.priority,
        facts.periodic_name,
        facts.origin,
        _search(facts),
        task_events.encode(events, facts),
    )


@overload
def moment(seconds: Timestamp) -> datetime: ...
@overload
def moment(seconds: None) -> None: ...
def moment(seconds: Timestamp | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _search(facts: Facts) -> str:
    texts = (facts.args, facts.kwargs, facts.result, facts.exception)
    return "\n".join([text for text in texts if text]).lower()
