"""Loads what is stored already of the tasks in a batch."""

# Table and column names come from our models, never from input.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.db import connections

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.models import Task
from django_celery_monitor.storage.rows import stored_events
from django_celery_monitor.storage.task_events import SHARED

_COLUMNS: Final = ("id", "events", *SHARED)
_CHUNK: Final = 500


def load(ids: list[str], using: str) -> dict[str, list[TaskEvent]]:
    """The stored events of those of the tasks that exist."""
    if not ids:
        return {}
    return {row[0]: stored_events(row[0], row[1], row[2:]) for row in _select(ids, using)}


def _select(ids: list[str], using: str) -> Iterator[tuple[Any, ...]]:
    connection = connections[using]
    quote = connection.ops.quote_name
    select = f"SELECT {', '.join(map(quote, _COLUMNS))} FROM {quote(Task._meta.db_table)} WHERE"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # As one text: adapting a list costs the driver more than the rest of the query.
            array = "ARRAY(SELECT jsonb_array_elements_text(%s::jsonb))"
            cursor.execute(f"{select} id = ANY({array})", [json.dumps(ids)])
            yield from cursor.fetchall()
        elif connection.vendor == "sqlite":
            cursor.execute(f"{select} id IN (SELECT value FROM json_each(%s))", [json.dumps(ids)])
            yield from cursor.fetchall()
        else:
            remaining = iter(ids)
            while chunk := list(islice(remaining, _CHUNK)):
                marks = ", ".join(["%s"] * len(chunk))
                cursor.execute(f"{select} id IN ({marks})", chunk)
                yield from cursor.fetchall()
