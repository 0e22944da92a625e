"""``TaskError`` rows: exactly the failures and retries in a task's stored event set."""

from __future__ import annotations

from typing import Any, Final

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.models import TaskError
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.state.errors import (
    ErrorMark,
    error_key,
    error_type,
    fingerprint,
    marks,
)
from django_celery_monitor.state.runs import ERROR_TYPES
from django_celery_monitor.storage.bulk import delete_each, update_each, upsert
from django_celery_monitor.storage.rows import moment

_KEY: Final = ("task_id", "key")
_COLUMNS: Final = (
    "task_id",
    "key",
    "name",
    "worker",
    "time",
    "retry",
    "duplicate",
    "type",
    "message",
    "traceback",
    "fingerprint",
)


class ErrorChanges:
    """What a batch does to the error rows."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._remarked: list[tuple[Any, ...]] = []
        self._gone: list[tuple[str, str]] = []

    def add(
        self,
        task_id: str,
        events: list[TaskEvent],
        facts: Facts,
        stored: list[TaskEvent],
        old: Facts | None,
    ) -> None:
        """``stored``: the events before; ``old``: what was derived of them, if there were any."""
        had = old is not None and _has_errors(old)
        if not had and not _has_errors(facts):
            return
        now = marks(events, facts)
        before = marks(stored, old) if old and had else {}
        new = {key for key in now if key not in before}
        if new:
            for event in events:
                if event.type in ERROR_TYPES and (key := error_key(event)) in new:
                    self._rows.append(_row(task_id, key, event, now[key]))
        self._remarked += [
            (*mark, task_id, key) for key, mark in now.items() if before.get(key, mark) != mark
        ]
        self._gone += [(task_id, key) for key in before if key not in now]

    def save(self, using: str) -> None:
        upsert(TaskError, _COLUMNS, _KEY, self._rows, using)
        update_each(TaskError, ErrorMark._fields, _KEY, self._remarked, using)
        delete_each(TaskError, _KEY, self._gone, using)


def _has_errors(facts: Facts) -> bool:
    # A list: making a generator would cost more than the look at the one run there is.
    return bool([run for run in facts.runs if run.error])


def _row(task_id: str, key: str, event: TaskEvent, mark: ErrorMark) -> tuple[Any, ...]:
    exception = event.data.get("exception", "")
    traceback = event.data.get("traceback", "")
    return (
        task_id,
        key,
        mark.name,
        event.hostname,
        moment(event.timestamp),
        event.type == "retried",
        mark.duplicate,
        error_type(exception),
        exception,
        traceback,
        fingerprint(exception, traceback),
    )
