"""From messages on the wire to typed events. The only file that knows the wire's field names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from django_celery_monitor.events import (
    PUBLISHED,
    SETTLED,
    BadEventError,
    Decoded,
    TaskEvent,
    WorkerEvent,
)
from django_celery_monitor.ingest import judge
from django_celery_monitor.ingest.recorded import recorded
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
_MAX_QUARANTINED: Final = 2000
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
            **dict.fromkeys((*_FAMILY, "signum"), judge.short_text),
            **dict.fromkeys(_TIMES, judge.moment),
            **dict.fromkeys(_FLAGS, bool),
            "retries": judge.integer,
            "runtime": _number,
        }

    def decode(self, bodies: Iterable[bytes], arrived: float) -> Decoded:
        """Never raises for bad input: one bad event does not cost the others of its list."""
        found = Decoded({}, [], [], 0)
        ignored = 0
        for body in bodies:
            try:
                events = judge.load(body)
            except BadEventError as error:
                found.bad.append((str(error), self._unread(body)))
                continue
            for event in events:
                try:
                    ignored += not self._sort(event, arrived, found)
                except BadEventError as error:
                    found.bad.append((str(error), self._bad_event(event)))
                except RecursionError:
                    found.bad.append(("nested too deep", ""))
        return found._replace(ignored=ignored)

    def _sort(self, event: Any, arrived: float, found: Decoded) -> bool:
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise BadEventError("not an event: no type")
        group, _dash, kind = event["type"].partition("-")
        if group == "task":
            task_id = judge.identifier(event.get("uuid"), "uuid")
            task_event = self._task_event(event, kind, arrived)
            found.tasks.setdefault(task_id, []).append(task_event)
            return True
        if event["type"] == PUBLISHED:
            task_id = judge.identifier(event.get("uuid"), "uuid")
            told = recorded(event)
            task_event = self._task_event(event, PUBLISHED, arrived)
            task_event.data.update(told)
            found.tasks.setdefault(task_id, []).append(task_event)
            return True
        if group == "worker" and kind in WORKER_TYPES:
            found.workers.append(_worker_event(event, kind, arrived))
            return True
        return False

    def settled(self, worker: str, time: float, state: str, source: str, text: str) -> TaskEvent:
        """The event that stands for a conclusion of our own; ``text`` is redacted as any other."""
        data = {"state": state, "source": source}
        if text:
            field = "result" if state == "SUCCESS" else "exception"
            data[field] = self._text(field, text, {})
        return TaskEvent(time, 0, SETTLED, worker, 0, data)

    def _task_event(self, event: dict[str, Any], kind: str, arrived: float) -> TaskEvent:
        return TaskEvent(
            judge.timestamp(event.get("timestamp"), arrived),
            judge.integer(event.get("clock")),
            _kind(kind),
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
                if value != "":
                    data[field] = self._text(field, value, event)
            else:
                custom = custom or {}
                custom[field] = value
        if not data.get("retries", 1):
            del data["retries"]
        if data.get("exception") == _WRAPPED:
            # The last lines matter, and those of a long one were cut off.
            traceback = str(event.get("traceback") or "")[-2 * self._limits["traceback"] :]
            data["exception"] = _unwrapped(self._redactor.traceback(traceback)) or _WRAPPED
        if data.get("routing_key") == data.get("queue"):
            data.pop("routing_key", None)
        if custom:
            data["custom"] = self._custom(custom)
        return data

    def _text(self, field: str, value: Any, event: dict[str, Any]) -> str:
        limit, size = self._limits[field], 0
        if isinstance(value, str):
            # Not cut to the limit before a secret that lies across it is masked.
            value, size = value[: 2 * limit], len(value)
        if field == "args":
            value = self._redactor.args(str(event.get("name")), value)
        elif field == "traceback" and isinstance(value, str):
            value = self._redactor.traceback(value)
        else:
            value = self._redactor.value(value)
        return judge.cut(value if isinstance(value, str) else _dump(value), limit, size)

    def _custom(self, fields: dict[str, Any]) -> Any:
        """The fields of an app's own event; as text when they are too many."""
        redacted = self._redactor.value(fields)
        text = _dump(redacted)
        return redacted if len(text) <= _MAX_CUSTOM else judge.cut(text, _MAX_CUSTOM)

    def split(self, body: bytes) -> list[bytes]:
        """A message for each event of a list; a message that cannot be read stays whole."""
        try:
            return [_dump(event).encode() for event in judge.load(body)] or [body]
        except BadEventError:
            return [body]

    def quarantined(self, body: bytes) -> str:
        """A message as it may be kept aside: redacted, cut."""
        try:
            events = judge.load(body)
        except BadEventError:
            return self._unread(body)
        text = "\n".join([self._bad_event(event) for event in events])
        return judge.cut(text, _MAX_QUARANTINED)

    def _bad_event(self, event: Any) -> str:
        try:
            if isinstance(event, dict) and "args" in event:
                args = self._redactor.args(str(event.get("name")), event["args"])
                event = event | {"args": args}
            return judge.cut(_dump(self._redactor.value(event)), _MAX_QUARANTINED)
        except RecursionError:
            return ""

    def _unread(self, body: bytes) -> str:
        text = body[:_MAX_QUARANTINED].decode("utf-8", "replace")
        return judge.cut(self._redactor.unread(str(judge.scrub(text))), _MAX_QUARANTINED)


def _kind(kind: str) -> str:
    if kind == SETTLED:
        raise BadEventError(f"type {kind} is reserved")
    return judge.identifier(kind, "type")[:64]


def _worker_event(event: dict[str, Any], kind: str, arrived: float) -> WorkerEvent:
    data = {
        field: value for field in _WORKER_FIELDS if (value := _status(event.get(field))) is not None
    }
    return WorkerEvent(
        judge.timestamp(event.get("timestamp"), arrived),
        judge.integer(event.get("clock")),
        kind,
        judge.identifier(event.get("hostname"), "hostname"),
        judge.integer(event.get("pid")),
        data,
    )


def _status(value: Any) -> Any:
    """A number, a name, or up to three numbers, as workers tell of themselves."""
    if isinstance(value, list):
        return [each for each in value[:3] if _number(each) is not None]
    return judge.short_text(value) if isinstance(value, str) else _number(value)


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
    lines = [line for line in traceback.rstrip().splitlines() if line and not line.startswith(" ")]
    found = _RAISED.match(lines[-1]) if lines else None
    return f"{found[1]}({found[2] or ''!r})" if found else ""
