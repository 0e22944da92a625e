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

from django_celery_monitor.conf import Settings
from django_celery_monitor.events import PUBLISHED
from django_celery_monitor.ingest import judge
from django_celery_monitor.recorder.capture import PERIODIC, Captured
from django_celery_monitor.recorder.masking import Masking

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

MOST_EVENTS: Final = 100
_MOST_BYTES: Final = 256 * 1024
# Longer extra headers are left out, in bytes.
_MAX_HEADERS: Final = 4096
_MAX_ORIGIN: Final = 255
_SAME: Final = ("retries", "eta", "expires", "root_id", "parent_id", "group_index", "stamps")
# Celery's own, and what has a field of its own.
_CELERYS: Final = frozenset(
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
        texts: list[bytes] = []
        size = 0
        for captured in items:
            try:
                text = self._written(captured, offset)
            # Headers may hold anything, and one event must not cost the others.
            except Exception as error:
                self._say(captured, error)
                continue
            if size + len(text) > _MOST_BYTES or len(texts) == MOST_EVENTS:
                yield b"[%b]" % b",".join(texts)
                texts, size = [], 0
            texts.append(text)
            size += len(text)
        if texts:
            yield b"[%b]" % b",".join(texts)

    def _written(self, captured: Captured, offset: float) -> bytes:
        event = self._event(captured, offset)
        self._masking.mask(event)
        try:
            return orjson.dumps(event, default=str)
        # Lone surrogates, large integers, keys that are no texts.
        except TypeError:
            return orjson.dumps(judge.scrub(event), default=str)

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
        exchange = captured.exchange
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
            "queue": captured.queue,
            "routing_key": captured.routing_key,
        }
        if exchange:
            event["exchange"] = getattr(exchange, "name", exchange)
        for field in _SAME:
            value = about.get(field)
            if value is not None and value != {}:
                event[field] = value
        if group_id := about.get("group"):
            event["group_id"] = group_id
        if any(limits := about.get("timelimit") or ()):
            event["timelimit"] = limits
        if own := headers.keys() - _CELERYS:
            event["headers"] = _short({name: headers[name] for name in sorted(own)})
        return event | _taken(captured)


def _taken(captured: Captured) -> dict[str, Any]:
    taken = {
        "payload": captured.payload,
        "flaw": captured.flaw,
        "periodic_name": captured.periodic_name,
        "chord": captured.chord,
        "origin": captured.origin[:_MAX_ORIGIN],
    }
    found = {field: value for field, value in taken.items() if value}
    if captured.priority is not None:
        found["priority"] = captured.priority
    return found


def _short(headers: dict[str, Any]) -> dict[str, Any] | None:
    """Plain JSON values, or nothing when they are too many."""
    text = json.dumps(headers, default=str, skipkeys=True)
    return json.loads(text) if len(text) <= _MAX_HEADERS else None
