"""Whether a task's arguments are known whole, so that it can be sent again: pure decisions.

Never from the text of an event: it is cut, escaped, and often parses to another value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy
from kombu.utils.json import dumps, loads

from django_celery_monitor.control.original import is_masked, original
from django_celery_monitor.events import PUBLISHED, TaskEvent

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.functional import _StrPromise

    from django_celery_monitor.control.message import Message


class Source(TextChoices):
    RECORDER = "recorder", gettext_lazy("the recorder, as it was published")
    BACKEND = "backend", gettext_lazy("the result backend, as it ran last")


class Reason(NamedTuple):
    """Why not; ``setting``: what would have made it possible."""

    text: str
    setting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """``unknown``: what of the original is not sent again, in sentences."""

    source: Source
    message: Message
    unknown: tuple[str, ...]


_RECORD: Final = 'CELERY_MONITOR["RECORD"]'
_REASONS: Final[dict[str, tuple[_StrPromise, str]]] = {
    "nameless": (gettext_lazy("No event told the task's name."), _RECORD),
    "text": (
        gettext_lazy("Only a text of its arguments is known, which is not what they were."),
        f"{_RECORD}, result_extended",
    ),
    "replaced": (
        gettext_lazy("It was replaced by another task, whose arguments nobody recorded."),
        _RECORD,
    ),
    "cut": (
        gettext_lazy("Its arguments are longer than what the recorder takes."),
        'CELERY_MONITOR["RECORD_MAX_PAYLOAD"]',
    ),
    "redacted": (
        gettext_lazy("Its arguments hold what is secret, and that is not kept."),
        'CELERY_MONITOR["REDACT_KEYS"], result_extended',
    ),
    "serializer": (
        gettext_lazy("Its message is not JSON, and only JSON can be sent again as it was."),
        'task_serializer = "json"',
    ),
    "unread": (gettext_lazy("What is kept of its arguments cannot be read."), _RECORD),
}


def reason(key: str) -> Reason:
    text, setting = _REASONS[key]
    return Reason(str(text), setting)


def retriable(
    name: str,
    events: Sequence[TaskEvent],
    now: datetime,
    *,
    serializer: str = "json",
    kept: Mapping[str, Any] | None = None,
) -> Whole | Reason:
    """From the events of a task, else from what a result backend has ``kept`` of it.

    ``serializer``: that such tasks are sent with today, for a message that nobody recorded.
    """
    if not name:
        return reason("nameless")
    told = [each.data for each in events if each.type == PUBLISHED]
    # A worker tells the shadow in place of the name.
    mine = [data for data in told if name in (data.get("name"), data.get("shadow"))]
    first = next((data for data in mine if not data.get("retries")), None)
    if first is None:
        missing = reason("replaced" if told and not mine else "text")
    else:
        name = str(first["name"])
        found = from_payload(first)
        if not isinstance(found, Reason):
            message, unknown = original(name, found, first, now)
            return Whole(source=Source.RECORDER, message=message, unknown=unknown)
        missing = found
    if (first or {}).get("flaw") == "serializer" or (first is None and serializer != "json"):
        return reason("serializer")
    values = _of_backend(name, kept or {})
    if values is None:
        return missing
    sent: dict[str, Any] = next((each.data for each in events if each.type == "sent"), {})
    message, unknown = original(name, values, first or sent, now, recorded=first is not None)
    return Whole(source=Source.BACKEND, message=message, unknown=unknown)


def from_payload(told: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]] | Reason:
    """What the recorder told, when it told all."""
    flaw, payload = str(told.get("flaw") or ""), told.get("payload")
    if flaw:
        return reason(flaw if flaw in _REASONS else "unread")
    values = _read(payload) if isinstance(payload, str) else None
    if values is None:
        return reason("text" if payload is None else "unread")
    # Marked or not, that is never a value.
    return reason("redacted") if is_masked(values) else values


def _read(payload: str) -> tuple[list[Any], dict[str, Any]] | None:
    try:
        found = json.loads(payload)
        # What a worker could not read is not sent.
        loads(payload)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    pair = isinstance(found, list) and len(found) == 2
    if not pair or not isinstance(found[0], list) or not isinstance(found[1], dict):
        return None
    return found[0], found[1]


def _of_backend(name: str, kept: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]] | None:
    args, kwargs = kept.get("args"), kept.get("kwargs")
    # Some backends keep texts of them.
    if kept.get("name") != name or not isinstance(args, list | tuple):
        return None
    try:
        return _read(dumps([list(args), kwargs]))
    except (TypeError, ValueError, RecursionError):
        return None
