"""The events themselves, and how a task's state is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from django_celery_monitor.events import PUBLISHED, SETTLED, TaskEvent
from django_celery_monitor.models import Task
from django_celery_monitor.state.derive import WORKER_LOST
from django_celery_monitor.storage.rows import moment

# What a reader without the right to arguments may see of an event; apps add fields of their own.
PUBLIC: Final = frozenset(
    {
        *("name", "queue", "exchange", "routing_key", "retries", "eta", "expires", "runtime"),
        *("root_id", "parent_id", "group_id", "group_index", "priority", "periodic_name"),
        *("signum", "requeue", "terminated", "expired", "timelimit", "flaw", "state", "source"),
        *("canvas_flaw", "shadow"),
    }
)
_LONGEST: Final = 240
_MOMENTS: Final = frozenset({"eta", "expires"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """``fields`` are names and texts; ``hidden`` counts those that the reader may not see."""

    type: str
    time: datetime
    clock: int
    hostname: str
    pid: int
    fields: list[tuple[str, str]]
    hidden: int


def raw(events: Sequence[TaskEvent], *, payload: bool) -> list[Raw]:
    return [_raw(event, payload) for event in events]


def _raw(event: TaskEvent, payload: bool) -> Raw:
    shown = [field for field in event.data if payload or field in PUBLIC]
    prefix = "" if event.type in (PUBLISHED, SETTLED) else "task-"
    return Raw(
        type=f"{prefix}{event.type}",
        time=moment(event.timestamp),
        clock=event.clock,
        hostname=event.hostname,
        pid=event.pid,
        fields=[(field, _text(field, event.data[field])) for field in shown],
        hidden=len(event.data) - len(shown),
    )


def _text(field: str, value: Any) -> str:
    if field in _MOMENTS and isinstance(value, int | float):
        return f"{moment(value):%Y-%m-%d %H:%M:%S} UTC"
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """``inferred``: nobody said it, it follows from something else. ``told_at``: by its clock."""

    source: str
    told_at: datetime
    inferred: bool


def provenance(task: Task, events: Sequence[TaskEvent]) -> Provenance:
    settled = [
        event
        for event in events
        if event.type == SETTLED and event.data.get("source") == task.known_by
    ]
    return Provenance(
        source=task.known_by,
        told_at=moment(settled[-1].timestamp) if settled else task.updated_at,
        inferred=task.known_by == WORKER_LOST,
    )
