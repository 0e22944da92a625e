"""What only the recorder tells; it has redacted and limited that itself, where it was published."""

from __future__ import annotations

from typing import Any, Final

from django_celery_monitor.events import RECORDED
from django_celery_monitor.ingest import judge

_TEXTS: Final = frozenset({"group_id", "periodic_name", "origin", "flaw", "canvas_flaw", "shadow"})
_NUMBERS: Final = frozenset({"group_index", "priority"})
_MAX_SMALL: Final = 2**15 - 1


def recorded(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the recorder's fields out of ``event``; what is left is what ``task-sent`` has."""
    found: dict[str, Any] = {}
    for field in RECORDED:
        value = event.pop(field, None)
        if field in _TEXTS:
            value = judge.short_text(value)
        elif field == "canvas" and not isinstance(value, str):
            continue
        elif field in _NUMBERS and value is not None:
            value = min(judge.integer(value), _MAX_SMALL)
        if value is not None and value != "":
            found[field] = value
    return found
