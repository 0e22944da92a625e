"""The text form of a task's event set: what a column of the row says already is not said again."""

from __future__ import annotations

from typing import Any, Final

import orjson

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.state.derive import Facts

# Fields of an event's data, by the letter that stands for them.
_LETTERS: Final = {
    "name": "n",
    "args": "a",
    "kwargs": "k",
    "result": "r",
    "exception": "x",
    "root_id": "o",
    "parent_id": "p",
    "queue": "q",
    "retries": "t",
    "runtime": "u",
    "eta": "e",
    "expires": "i",
    "group_id": "g",
    "periodic_name": "d",
    "origin": "w",
    "payload": "l",
}
_FIELDS: Final = {letter: field for field, letter in _LETTERS.items()}
_TYPES: Final = {
    "sent": "S",
    "received": "R",
    "started": "B",
    "succeeded": "D",
    "failed": "F",
    "retried": "T",
    "revoked": "V",
    "rejected": "J",
    PUBLISHED: "P",
}
_NAMES: Final = {letter: kind for kind, letter in _TYPES.items()}
# In front of a type of the app's own that would read as a letter.
_ESCAPE: Final = "-"
# Columns that events share; ``true`` in an event stands for the column's value.
SHARED: Final = (
    "name",
    "args",
    "kwargs",
    "result",
    "exception",
    "root_id",
    "parent_id",
    "queue",
    "group_id",
    "worker",
    "runtime",
)
_AS_COLUMN: Final = True


def encode(events: list[TaskEvent], facts: Facts) -> str:
    """The events as JSON; ``facts`` are what the row's columns will say.

    Tracebacks are left out: ``TaskError`` keeps them.
    """
    column = {field: getattr(facts, field) for field in SHARED}
    worker = facts.worker
    return orjson.dumps(
        [
            [
                event.timestamp,
                event.clock,
                _TYPES.get(event.type) or _escaped(event.type),
                _AS_COLUMN if event.hostname == worker else event.hostname,
                event.pid,
                _shorten(event.data, column),
            ]
            for event in events
        ]
    ).decode()


def decode(text: str, row: dict[str, Any]) -> list[TaskEvent]:
    """The events again; ``row`` holds the ``SHARED`` columns as they were stored with ``text``."""
    return [
        TaskEvent(
            timestamp,
            clock,
            _NAMES.get(kind) or kind.removeprefix(_ESCAPE),
            row["worker"] if hostname is True else hostname,
            pid,
            _lengthen(data, row),
        )
        for timestamp, clock, kind, hostname, pid, data in orjson.loads(text)
    ]


def _escaped(kind: str) -> str:
    return _ESCAPE + kind if kind in _NAMES or kind.startswith(_ESCAPE) else kind


def _shorten(data: dict[str, Any], column: dict[str, Any]) -> dict[str, Any]:
    short = {}
    for field, value in data.items():
        if field == "traceback":
            continue
        same = field in column and value == column[field]
        short[_LETTERS.get(field, field)] = _AS_COLUMN if same else value
    return short


def _lengthen(short: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    data = {}
    for letter, value in short.items():
        field = _FIELDS.get(letter, letter)
        data[field] = row[field] if value is True and field in row else value
    return data
