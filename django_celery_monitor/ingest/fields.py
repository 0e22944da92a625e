"""What an event says of itself: its own fields, redacted and within limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from django_celery_monitor.ingest import judge, wrapped
from django_celery_monitor.ingest.redact import Redactor

_MAX_CUSTOM: Final = 2048
_TEXTS: Final = ("args", "kwargs", "result", "exception", "traceback")


def _text(_value: object) -> None:
    """Stands for a text that is redacted and cut."""


def _common(_value: object) -> None:
    """Stands for what all events have, which is no part of their data."""


def number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e12 else None


# Field to what makes a value of it; a field that is not here is of the app's own.
_RULES: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("type", "uuid", "hostname", "timestamp", "utcoffset"), _common),
    **dict.fromkeys(("pid", "clock", "local_received"), _common),
    **dict.fromkeys(("name", "queue", "exchange", "routing_key", "signum"), judge.name),
    **dict.fromkeys(("root_id", "parent_id"), judge.short_text),
    **dict.fromkeys(("eta", "expires"), judge.moment),
    **dict.fromkeys(("requeue", "terminated", "expired"), bool),
    **dict.fromkeys(_TEXTS, _text),
    "retries": judge.integer,
    "runtime": number,
}


class Fields:
    """Reads the data of task events."""

    def __init__(self, redactor: Redactor, *, max_text: int, max_traceback: int) -> None:
        self._redactor = redactor
        self._limits = dict.fromkeys(_TEXTS, max_text) | {"traceback": max_traceback}

    def of(self, event: dict[str, Any]) -> dict[str, Any]:
        """What is neither ``None`` nor empty."""
        data: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        rules, common, text = _RULES, _common, _text
        for field, value in event.items():
            if value is None:
                continue
            rule = rules.get(field)
            if rule is common:
                continue
            if rule is None:
                custom[field] = value
            elif rule is not text:
                made = rule(value)
                # Zero retries are none, but a run time of zero says something.
                if made or (made == 0 and field == "runtime"):
                    data[field] = made
            elif value != "":
                data[field] = self.text(field, value, event.get("name"))
        if custom:
            data["custom"] = self._custom(custom)
        if "exception" in data:
            data["exception"] = self._unwrapped(data["exception"], event)
        if "queue" in data and data.get("routing_key") == data["queue"]:
            del data["routing_key"]
        if "root_id" in data and data["root_id"] == event["uuid"]:
            # The same object: many are remembered.
            data["root_id"] = event["uuid"]
        return data

    def text(self, field: str, value: Any, name: object = None) -> str:
        """The text of a field as it may be kept; ``name`` is the task's."""
        limit, size = self._limits[field], 0
        short = type(value) is str and len(value) <= limit and self._redactor.is_clean(value)
        if short and (field != "args" or not self._redactor.positions(name)):
            return value  # type: ignore[no-any-return]
        if isinstance(value, str):
            # Not cut to the limit before a secret that lies across it is masked.
            value, size = value[: 2 * limit], len(value)
        if field == "args":
            value = self._redactor.args(name, value)
        elif field == "traceback" and isinstance(value, str):
            value = self._redactor.traceback(value)
        else:
            value = self._redactor.value(value)
        return judge.cut(value if isinstance(value, str) else dump(value), limit, size)

    def _custom(self, fields: dict[str, Any]) -> Any:
        """The fields of an app's own event; as text when they are too many."""
        redacted = self._redactor.value(fields)
        text = dump(redacted)
        return redacted if len(text) <= _MAX_CUSTOM else judge.cut(text, _MAX_CUSTOM)

    def _unwrapped(self, exception: str, event: dict[str, Any]) -> str:
        if exception != wrapped.WRAPPED:
            return wrapped.cause_of_retry(exception)
        # The last lines matter, and those of a long one were cut off.
        traceback = str(event.get("traceback") or "")[-2 * self._limits["traceback"] :]
        return wrapped.last_raised(self._redactor.traceback(traceback))


def dump(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return repr(value)
