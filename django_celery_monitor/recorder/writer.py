"""From what was captured to messages, as they go over the wire. Runs in the background."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson
from celery.utils.nodenames import anon_nodename
from celery.utils.time import utcoffset
from kombu import Queue

from django_celery_monitor.conf import Settings
from django_celery_monitor.events import PUBLISHED
from django_celery_monitor.ingest import judge
from django_celery_monitor.recorder.arguments import REDACTED
from django_celery_monitor.recorder.capture import Captured
from django_celery_monitor.recorder.masking import Masking

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

PERIODIC: Final = "periodic_task_name"
MOST_EVENTS: Final = 200
_MOST_BYTES: Final = 128 * 1024
# Longer extra headers are left out, in bytes.
_MAX_HEADERS: Final = 4096
_MAX_ORIGIN: Final = 255
_SAME: Final = (
    *("retries", "eta", "expires", "root_id", "parent_id", "group_index", "stamps", "shadow"),
)
# Celery's own, and what has a field of its own.
CELERYS: Final = frozenset(
    {
        *("lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries"),
        *("timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin"),
        *("ignore_result", "replaced_task_nesting", "stamped_headers", "stamps"),
        *(PERIODIC, "celery_beat_task"),
    }
)


class Writer:
    """For one app of one process."""

    def __init__(self, app: Celery, settings: Settings) -> None:
        self.hostname = anon_nodename()
        self._clock: Any = app.clock  # type: ignore[attr-defined]
        self._pid = os.getpid()
        self._said = False
        self._masking = Masking(app, settings)

    def messages(self, items: Sequence[Captured]) -> Iterator[bytes]:
        """Lists of events; one that cannot be written costs no other."""
        offset = utcoffset()
        for some in _lists(items):
            try:
                yield self._list(some, offset)
            # Headers may hold anything; then it shows which of them does.
            except Exception:
                yield from self._one_by_one(some, offset)

    def _list(self, items: Sequence[Captured], offset: float) -> bytes:
        events = [self._event(captured, offset) for captured in items]
        self._masking.mask(events)
        try:
            return orjson.dumps(events, default=str)
        # Lone surrogates, large integers, keys that are no texts.
        except TypeError:
            return orjson.dumps(judge.scrub(events), default=str)

    def _one_by_one(self, items: Sequence[Captured], offset: float) -> Iterator[bytes]:
        for captured in items:
            try:
                yield self._list([captured], offset)
            except Exception as error:
                self._say(captured, error)

    def _say(self, captured: Captured, error: Exception) -> None:
        if not self._said:
            self._said = True
            logger.warning(
                "The recorder cannot tell of a task, the first of its kind: %r",
                error,
                extra={"action": "recorder_skipped", "headers": sorted(captured.headers)},
            )

    def _event(self, captured: Captured, offset: float) -> dict[str, Any]:
        # With what others put in while it was published, such as a trace.
        headers = captured.headers
        about = captured.older or headers
        event = {
            "type": PUBLISHED,
            "uuid": about["id"],
            "timestamp": captured.time,
            "clock": self._clock.value,
            "hostname": self.hostname,
            "pid": self._pid,
            "utcoffset": offset,
            "name": about["task"],
            "args": about.get("argsrepr") or "",
            "kwargs": about.get("kwargsrepr") or "",
            "routing_key": captured.routing_key,
        }
        _add_arguments(event, captured)
        _add_place(event, captured)
        _add_cause(event, captured)
        for field in _SAME:
            value = about.get(field)
            if value is not None and value != {}:
                event[field] = value
        if group_id := about.get("group"):
            event["group_id"] = group_id
        if any(limits := about.get("timelimit") or ()):
            event["timelimit"] = limits
        if not CELERYS.issuperset(headers):
            own = sorted(headers.keys() - CELERYS)
            event["headers"] = _short({name: headers[name] for name in own})
        return event


def _add_arguments(event: dict[str, Any], captured: Captured) -> None:
    properties = captured.properties
    if properties.get("argsrepr") or properties.get("kwargsrepr"):
        # Who wrote these texts did not want the values to be seen.
        event["flaw"] = REDACTED
    elif captured.flaw:
        event["flaw"] = captured.flaw
    else:
        event["payload"] = captured.payload
    if captured.canvas:
        event["canvas"] = captured.canvas
    elif captured.canvas_flaw:
        event["canvas_flaw"] = captured.canvas_flaw


def _add_place(event: dict[str, Any], captured: Captured) -> None:
    exchange, declared = captured.exchange, captured.declared or ()
    if exchange == "":
        event["queue"] = captured.routing_key
    else:
        event["queue"] = next((each.name for each in declared if isinstance(each, Queue)), "")
        if exchange:
            event["exchange"] = getattr(exchange, "name", exchange)
    priority = captured.properties.get("priority")
    if priority is not None:
        event["priority"] = priority


def _add_cause(event: dict[str, Any], captured: Captured) -> None:
    if periodic_name := captured.headers.get(PERIODIC) or captured.properties.get(PERIODIC):
        event["periodic_name"] = periodic_name
    if captured.origin:
        event["origin"] = captured.origin[:_MAX_ORIGIN]
    if captured.chord:
        event["chord"] = _chord(captured.chord)


def _chord(body: dict[str, Any]) -> dict[str, Any]:
    """Of a chord's member: the task that runs after all of them."""
    return {"task": body.get("task"), "id": (body.get("options") or {}).get("task_id")}


def _lists(items: Sequence[Captured]) -> Iterator[Sequence[Captured]]:
    """By number and by size; of all in an event, only what is JSON in it may be long."""
    begin = size = 0
    for index, captured in enumerate(items):
        long = len(captured.payload) + len(captured.canvas)
        size += long
        if size > _MOST_BYTES or index - begin == MOST_EVENTS:
            yield items[begin:index]
            begin, size = index, long
    if begin < len(items):
        yield items[begin:]


def _short(headers: dict[str, Any]) -> dict[str, Any] | None:
    """Plain JSON values, or nothing when they are too many."""
    text = json.dumps(headers, default=str, skipkeys=True)
    return json.loads(text) if len(text) <= _MAX_HEADERS else None
