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
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.rows import moment

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
        self._remarked: list[tuple[str, str, ErrorMark]] = []
        self._gone: list[tuple[str, str]] = []

    def add(
        self, task_id: str, events: list[TaskEvent], facts: Facts, before: dict[str, ErrorMark]
    ) -> None:
        """``before``: the marks of the task's errors that are stored."""
        now = marks(events, facts)
        new = {key for key in now if key not in before}
        if new:
            for event in events:
                if event.type in ERROR_TYPES and (key := error_key(event)) in new:
                    self._rows.append(_row(task_id, key, event, now[key]))
        self._remarked += [
            (task_id, key, mark) for key, mark in now.items() if before.get(key, mark) != mark
        ]
        self._gone += [(task_id, key) for key in before if key not in now]

    def save(self, using: str) -> None:
        upsert(TaskError, _COLUMNS, ("task_id", "key"), self._rows, using)
        # Both are rare: late events that change what a stored failure was.
        errors = TaskError.objects.using(using)
        for task_id, key, mark in self._remarked:
            errors.filter(task_id=task_id, key=key).update(**mark._asdict())
        for task_id, key in self._gone:
            errors.filter(task_id=task_id, key=key).delete()


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
