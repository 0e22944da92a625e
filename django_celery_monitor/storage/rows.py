"""Between ``Facts`` and the columns of a ``Task``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, overload

from django_celery_monitor.events import TaskEvent, Timestamp
from django_celery_monitor.models import Task
from django_celery_monitor.state.derive import Facts, derive
from django_celery_monitor.storage import task_events

# The id, what is in ``Facts`` under the names and in the order of its fields, and two texts.
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
_TIMES: Final = range(COLUMNS.index("time"), COLUMNS.index("expires") + 1)
_TEXTS: Final = slice(COLUMNS.index("args"), COLUMNS.index("exception") + 1)
_RETRIES, _ROOT_ID = COLUMNS.index("retries"), COLUMNS.index("root_id")
_at: Final = datetime.fromtimestamp


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


def task_row(task_id: str, facts: Facts, events: str) -> list[Any]:
    """The values of ``COLUMNS``; ``events`` is their text (see ``task_events``)."""
    # The columns are the facts, in their order; but the last one is their runs.
    row: list[Any] = [task_id, *facts]
    texts = [text for text in row[_TEXTS] if text]
    row[-1] = "\n".join(texts).lower()
    made: datetime | None = None
    last = None
    for place in _TIMES:
        if (time := row[place]) is not None:
            # Two in a row are often one: the first with the sending, the end with the latest.
            if time != last:
                last, made = time, _at(time, UTC)
            row[place] = made
    if facts.retries > _MAX_RETRIES:
        row[_RETRIES] = _MAX_RETRIES
    if facts.root_id == task_id:
        # Most tasks are the root of their family; saying so would cost a tenth of the table.
        row[_ROOT_ID] = ""
    row.append(events)
    return row


@overload
def moment(seconds: Timestamp) -> datetime: ...
@overload
def moment(seconds: None) -> None: ...
def moment(seconds: Timestamp | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
