"""From messages on the wire to typed events. The only file that knows the wire's field names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from django_celery_monitor.events import BadEventError, Decoded, TaskEvent, WorkerEvent
from django_celery_monitor.ingest import judge
from django_celery_monitor.ingest.redact import Redactor

WORKER_TYPES: Final = frozenset({"online", "heartbeat", "offline"})
_FAMILY: Final = ("name", "root_id", "parent_id", "queue", "exchange", "routing_key")
_TEXTS: Final = ("args", "kwargs", "result", "exception", "traceback")
_TIMES: Final = ("eta", "expires")
_FLAGS: Final = ("requeue", "terminated", "expired")
_COMMON: Final = frozenset(
    {"type", "uuid", "hostname", "timestamp", "utcoffset", "pid", "clock", "local_received"}
)
_OWN: Final = frozenset({*_FAMILY, *_TEXTS, *_TIMES, *_FLAGS, "retries", "runtime", "signum"})
_MAX_CUSTOM: Final = 2048
_WORKER_FIELDS: Final = (
    "freq",
    "active",
    "processed",
    "loadavg",
    "sw_ident",
    "sw_ver",
    "sw_sys",
)
# The worker wraps an error that its child could not report, and hides the class in the traceback.
_WRAPPED: Final = "ExceptionWithTraceback()"
_RAISED: Final = re.compile(r"^(?:[\w.]+\.)?(\w+)(?:: (.*))?$", re.DOTALL)


class Decoder:
    """Turns message bodies into events, redacted and within limits."""

    def __init__(self, redactor: Redactor, *, max_text: int, max_traceback: int) -> None:
        self._redactor = redactor
        self._limits = dict.fromkeys(_TEXTS, max_text) | {"traceback": max_traceback}
        self._cleaners: dict[str, Callable[[Any], Any]] = {
            **dict.fromkeys(_FAMILY, _family),
            **dict.fromkeys(_TIMES, judge.moment),
            **dict.fromkeys(_FLAGS, bool),
            "retries": judge.integer,
            "runtime": _number,
            "signum": str,
        }

    def decode(self, bodies: Iterable[bytes], arrived: float) -> Decoded:
        """Never raises for bad input: one bad event does not cost the others of its list."""
        found = Decoded({}, [], [], 0)
        ignored = 0
        for body in bodies:
            try:
                events = judge.load(body)
            except BadEventError as error:
                found.bad.append((str(error), judge.cut(repr(body), 2000)))
                continue
            for event in events:
                try:
                    ignored += not self._sort(event, arrived, found)
                except BadEventError as error:
                    found.bad.append((str(error), self._quarantined(event)))
                except RecursionError:
                    found.bad.append(("nested too deep", ""))
        return found._replace(ignored=ignored)

    def _sort(self, event: Any, arrived: float, found: Decoded) -> bool:
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise BadEventError("not an event: no type")
        group, _dash, kind = event["type"].partition("-")
        if group == "task":
            task_id = judge.identifier(event.get("uuid"), "uuid")
            found.tasks.setdefault(task_id, []).append(self._task_event(event, kind, arrived))
            return True
        if group == "worker" and kind in WORKER_TYPES:
            found.workers.append(_worker_event(event, kind, arrived))
            return True
        return False

    def _task_event(self, event: dict[str, Any], kind: str, arrived: float) -> TaskEvent:
        return TaskEvent(
            judge.timestamp(event.get("timestamp"), arrived),
            judge.integer(event.get("clock")),
            judge.identifier(kind, "type")[:64],
            judge.identifier(event.get("hostname"), "hostname"),
            judge.integer(event.get("pid")),
            self._data(event),
        )

    def _data(self, event: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        custom: dict[str, Any] | None = None
        cleaners = self._cleaners
        for field, value in event.items():
            if field in _COMMON or value is None:
                continue
            cleaner = cleaners.get(field)
            if cleaner is not None:
                value = cleaner(value)
                if value is not None and value != "" and value is not False:
                    data[field] = value
            elif field in _OWN:
                data[field] = self._text(field, value, event)
            else:
                custom = custom or {}
                custom[field] = value
        if not data.get("retries", 1):
            del data["retries"]
        if data.get("exception") == _WRAPPED:
            data["exception"] = _unwrapped(data.get("traceback", "")) or _WRAPPED
        if data.get("routing_key") == data.get("queue"):
            data.pop("routing_key", None)
        if custom:
            data["custom"] = self._custom(custom)
        return data

    def _text(self, field: str, value: Any, event: dict[str, Any]) -> str:
        text = value if isinstance(value, str) else _dump(value)
        text = judge.cut(text, self._limits[field])
        if field == "args":
            return self._redactor.args(str(event.get("name")), text)
        return self._redactor.text(text)

    def _custom(self, fields: dict[str, Any]) -> Any:
        """The fields of an app's own event; as text when they are too many."""
        redacted = self._redactor.value(fields)
        text = _dump(redacted)
        return redacted if len(text) <= _MAX_CUSTOM else judge.cut(text, _MAX_CUSTOM)

    def _quarantined(self, event: Any) -> str:
        return judge.cut(_dump(self._redactor.value(event)), 2000)


def _worker_event(event: dict[str, Any], kind: str, arrived: float) -> WorkerEvent:
    data = {field: event[field] for field in _WORKER_FIELDS if event.get(field) is not None}
    return WorkerEvent(
        judge.timestamp(event.get("timestamp"), arrived),
        judge.integer(event.get("clock")),
        kind,
        judge.identifier(event.get("hostname"), "hostname"),
        judge.integer(event.get("pid")),
        data,
    )


def _family(value: Any) -> str:
    return str(value)[: judge.MAX_ID]


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e12 else None


def _dump(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return repr(value)


def _unwrapped(traceback: str) -> str:
    """The exception in a traceback's last line, written as Python would write it."""
    lines = [line for line in traceback.strip().splitlines() if line and not line.startswith(" ")]
    found = _RAISED.match(lines[-1]) if lines else None
    return f"{found[1]}({found[2] or ''!r})" if found else ""
