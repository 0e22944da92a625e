"""The audit as a file for spreadsheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any, Final

from django_celery_monitor.access.policy import User
from django_celery_monitor.models import ControlAction
from django_celery_monitor.reading.audit import Eyes

COLUMNS: Final = (
    *("id", "started_at", "ended_at", "user_name", "user_id", "source", "act", "outcome", "detail"),
    *("repeated",),
    *("reason", "targets", "target_count", "target_filter", "arguments", "replies", "silent"),
)
# Spreadsheets take a cell that begins so for a formula.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def audit_csv(user: User, actions: Iterable[ControlAction]) -> Iterator[str]:
    """Line by line; ``actions`` with their targets, which are asked for otherwise."""
    yield _line(COLUMNS)
    eyes = Eyes(user)
    for action in actions:
        seen = eyes.see(action)
        yield _line(_value(seen, column) for column in COLUMNS)


def cell(value: Any) -> Any:
    """A text that a spreadsheet would compute gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _value(action: ControlAction, column: str) -> Any:
    if column == "targets":
        return " ".join(f"{each.kind}:{each.value}" for each in action.targets.all())
    value = getattr(action, column)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _line(values: Iterable[Any]) -> str:
    text = StringIO()
    csv.writer(text).writerow([cell(value) for value in values])
    return text.getvalue()
