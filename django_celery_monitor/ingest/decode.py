"""From messages on the wire to typed events. Only here and in ``fields`` are its names known."""

from __future__ import annotations

from collections.abc import Iterable
from sys import intern
from typing import Any, Final

from django_celery_monitor.events import (
    PUBLISHED,
    SETTLED,
    BadEventError,
    Decoded,
    TaskEvent,
    WorkerEvent,
)
from django_celery_monitor.ingest import judge
from django_celery_monitor.ingest.fields import Fields, dump, number
from django_celery_monitor.ingest.recorded import recorded
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.state.event_set import KNOWN_TYPES

WORKER_TYPES: Final = frozenset({"online", "heartbeat", "offline"})
_TASK_TYPES: Final = {f"task-{kind}": kind for kind in KNOWN_TYPES - {SETTLED, PUBLISHED}}
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


class Decoder:
    """Turns message bodies into events, redacted and within limits."""

    def __init__(self, redactor: Redactor, *, max_text: int, max_traceback: int) -> None:
        self._redactor = redactor
        self._fields = Fields(redactor, max_text=max_text, max_traceback=max_traceback)

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
        kind = event["type"]
        known = _TASK_TYPES.get(kind)
        if known is None and kind.startswith("task-"):
            known = _kind(kind[5:])
        if known is not None:
            task_id = judge.identifier(event.get("uuid"), "uuid")
            task_event = self._task_event(event, known, arrived)
        elif kind == PUBLISHED:
            task_id = judge.identifier(event.get("uuid"), "uuid")
            told = recorded(event)
            task_event = self._task_event(event, PUBLISHED, arrived)
            task_event.data.update(told)
        elif kind.startswith("worker-") and kind[7:] in WORKER_TYPES:
            found.workers.append(_worker_event(event, kind[7:], arrived))
            return True
        else:
            return False
        others = found.tasks.get(task_id)
        if others is None:
            found.tasks[task_id] = [task_event]
        else:
            others.append(task_event)
        return True

    def settled(self, worker: str, time: float, state: str, source: str, text: str) -> TaskEvent:
        """The event that stands for a conclusion of our own; ``text`` is redacted as any other."""
        data = {"state": state, "source": source}
        if text:
            field = "result" if state == "SUCCESS" else "exception"
            data[field] = self._fields.text(field, text)
        return TaskEvent(time, 0, SETTLED, worker, 0, data)

    def _task_event(self, event: dict[str, Any], kind: str, arrived: float) -> TaskEvent:
        return TaskEvent(
            judge.timestamp(event.get("timestamp"), arrived),
            judge.integer(event.get("clock")),
            kind,
            # One object for each host: millions of events name a few.
            intern(judge.identifier(event.get("hostname"), "hostname")),
            judge.integer(event.get("pid")),
            self._fields.of(event),
        )

    def split(self, body: bytes) -> list[bytes]:
        """A message for each event of a list; a message that cannot be read stays whole."""
        try:
            return [dump(event).encode() for event in judge.load(body)] or [body]
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
            return judge.cut(dump(self._redactor.value(event)), _MAX_QUARANTINED)
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
        return [each for each in value[:3] if number(each) is not None]
    return judge.short_text(value) if isinstance(value, str) else number(value)
