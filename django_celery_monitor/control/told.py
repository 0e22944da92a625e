"""What is kept of workers' replies: redacted, within limits, and of the shape that is documented.

Any reply is taken for hostile: workers are as old and as odd as projects make them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final, NamedTuple

from celery.app.defaults import NAMESPACES, flatten

from django_celery_monitor.control.inspecting import ATTRIBUTES, Part
from django_celery_monitor.ingest import judge
from django_celery_monitor.ingest.fields import Fields, dump, number
from django_celery_monitor.ingest.own_redaction import OwnRedaction
from django_celery_monitor.ingest.redact import MASK, Redactor

# Entries and characters of JSON that are kept of one reply, and characters of one value.
MOST: Final = 1000
LARGEST: Final = 200_000
LONGEST: Final = 2000
# Of one value that is not a text, as JSON.
_WIDEST: Final = 20_000


def _on_the_wire(default: Any) -> Any:
    if isinstance(default, timedelta):
        return str(default)
    return judge.scrub(list(default) if isinstance(default, tuple) else default)


# What Celery itself hides, by parts of names; here at any depth.
_HIDDEN: Final = ("api", "token", "key", "secret", "pass", "signature", "database", "dburi")
_ATTRIBUTE: Final = re.compile(rf"(?:^| )({'|'.join(ATTRIBUTES)})=")
_DEFAULTS: Final[dict[str, Any]] = {
    key: _on_the_wire(option.default) for key, option in dict[str, Any](flatten(NAMESPACES)).items()
}
# What Celery makes of these where they are not set.
_UNSET: Final = dict.fromkeys(
    ("broker_read_url", "broker_write_url"), "amqp://guest:********@localhost:5672//"
)
_QUEUE: Final = (
    *("name", "routing_key", "durable", "exclusive", "auto_delete", "no_ack", "expires"),
    *("message_ttl", "max_length", "max_length_bytes", "max_priority"),
)


class Told(NamedTuple):
    """``content`` is JSON; ``total``: entries that the worker told, of which it may hold fewer."""

    content: Any
    total: int


class Reader:
    """Makes of a reply what is kept of it.

    ``redactor``: of events, with the positions of secret arguments. ``keys``, ``patterns``: those
    that it has, for what is no argument.
    """

    def __init__(
        self,
        redactor: Redactor,
        keys: tuple[str, ...],
        patterns: tuple[str, ...],
        *,
        max_text: int,
        own: OwnRedaction | None = None,
    ) -> None:
        self._own = own
        self._redactor = redactor
        self._settings = Redactor((*keys, *_HIDDEN), patterns)
        self._fields = Fields(redactor, max_text=max_text, max_traceback=max_text)
        self._readers: dict[str, Callable[[Any], Told]] = {
            Part.STATS: self._stats,
            Part.QUEUES: self._list(self._queue),
            Part.ACTIVE: self._list(self._task),
            Part.RESERVED: self._list(self._task),
            Part.SCHEDULED: self._list(self._scheduled),
            Part.REVOKED: self._list(judge.short_text),
            Part.REGISTERED: self._list(self._registered),
            Part.CONF: self._conf,
            Part.REPORT: self._report,
        }

    def read(self, part: str, reply: Any) -> Told | None:
        """``None`` of what cannot be read."""
        try:
            return self._readers[part](judge.scrub(reply))
        except RecursionError:
            return None

    def _list(self, entry: Callable[[Any], Any]) -> Callable[[Any], Told]:
        def read(reply: list[Any]) -> Told:
            made = (found for each in reply[:MOST] if (found := entry(each)) is not None)
            return Told(_fitting(made), len(reply))

        return read

    def _stats(self, reply: dict[str, Any]) -> Told:
        totals = reply.pop("total", None)
        counts = totals.items() if isinstance(totals, dict) else ()
        most = sorted(((_whole(n), name) for name, n in counts), reverse=True)
        told = {
            "total": dict(_fitting((self._text(name), n) for n, name in most)),
            **self._entries(reply),
        }
        return Told(told, len(most))

    def _conf(self, reply: dict[str, Any]) -> Told:
        """Celery's own settings only: with Django, a worker tells all of the project's too."""
        own = {key: reply[key] for key in reply if key in _DEFAULTS}
        # Celery masks these whether they are set or not.
        hidden = sorted(key for key in own if self._settings.is_secret(key))
        seen = {key: value for key, value in own.items() if key not in hidden}
        same = {
            key: value
            for key, value in seen.items()
            if value in (_DEFAULTS[key], _UNSET.get(key, _DEFAULTS[key]))
        }
        changed = {key: value for key, value in seen.items() if key not in same}
        told = {
            "changed": self._entries(_without_arguments(changed)),
            "default": self._entries(_without_arguments(same)),
            "hidden": hidden,
        }
        return Told(told, len(own))

    def _entries(self, reply: dict[str, Any]) -> dict[str, Any]:
        made = ((self._text(key), self._value(reply[key], key)) for key in sorted(reply))
        return dict(_fitting(made))

    def _report(self, reply: dict[str, Any]) -> Told:
        """But for the settings that follow: they are told, and hidden, one by one elsewhere."""
        lines = str(reply.get("ok", "")).strip().splitlines()[:20]
        head = []
        for line in lines:
            if not line.strip():
                break
            head.append(self._text(line.strip()))
        return Told("\n".join(head), len(head))

    def _queue(self, entry: Any) -> dict[str, Any] | None:
        if not isinstance(entry, dict):
            return None
        exchange = entry.get("exchange")
        exchange = exchange if isinstance(exchange, dict) else {}
        return {
            **{field: self._value(entry.get(field)) for field in _QUEUE},
            "exchange": self._value(exchange.get("name")),
            "exchange_type": self._value(exchange.get("type")),
            "arguments": self._value(entry.get("queue_arguments")),
        }

    def _scheduled(self, entry: Any) -> dict[str, Any] | None:
        if not isinstance(entry, dict):
            return None
        task = self._task(entry.get("request"))
        return task and {**task, "eta": judge.moment(entry.get("eta"))}

    def _task(self, entry: Any) -> dict[str, Any] | None:
        if not isinstance(entry, dict):
            return None
        delivery = entry.get("delivery_info")
        delivery = delivery if isinstance(delivery, dict) else {}
        name = judge.short_text(entry.get("name"))
        return {
            "id": judge.short_text(entry.get("id")),
            "name": name,
            "args": self._argument("args", entry.get("args"), name),
            "kwargs": self._argument("kwargs", entry.get("kwargs"), name),
            "started": number(entry.get("time_start")),
            "acknowledged": entry.get("acknowledged") is True,
            "pid": _whole(entry.get("worker_pid")) or None,
            "routing_key": judge.short_text(delivery.get("routing_key")),
            "exchange": judge.short_text(delivery.get("exchange")),
            "priority": _whole(delivery.get("priority")),
            "redelivered": delivery.get("redelivered") is True,
        }

    def _argument(self, field: str, value: Any, name: str | None) -> str:
        text = "" if value is None else self._fields.text(field, value, name)
        return self._own.text(name or "", field, text) if self._own else text

    def _registered(self, entry: Any) -> dict[str, Any] | None:
        """``name [a=1 b=2]``; values may hold spaces."""
        if not isinstance(entry, str):
            return None
        name, _bracket, rest = entry.partition(" [")
        rest = rest.removesuffix("]")
        found = list(_ATTRIBUTE.finditer(rest))
        ends = [*(each.start() for each in found[1:]), len(rest)]
        values = {
            each[1]: self._text(rest[each.end() : end])
            for each, end in zip(found, ends, strict=False)
        }
        return {"name": self._text(name), "attributes": values}

    def _value(self, value: Any, key: str = "") -> Any:
        if value is None or value == "" or isinstance(value, bool):
            return value
        redacted = self._settings.value(value, key)
        if isinstance(redacted, str):
            return judge.cut(redacted, LONGEST)
        text = dump(redacted) if isinstance(redacted, dict | list) else ""
        return redacted if len(text) <= _WIDEST else judge.cut(text, LONGEST)

    def _text(self, text: Any) -> str:
        return judge.cut(self._redactor.text(str(text)[: 2 * LONGEST]), LONGEST)


def _fitting(entries: Iterable[Any]) -> list[Any]:
    """The first ones, as many as are kept."""
    kept: list[Any] = []
    left = LARGEST
    for entry in entries:
        left -= len(dump(entry))
        if left < 0 or len(kept) == MOST:
            break
        kept.append(entry)
    return kept


def _without_arguments(value: Any) -> Any:
    """The schedule of beat holds arguments of tasks, which take another right to see."""
    if isinstance(value, dict):
        return {
            key: MASK if key in ("args", "kwargs") and item else _without_arguments(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_arguments(item) for item in value]
    return value


def _whole(value: Any) -> int:
    return value if type(value) is int and abs(value) < 2**53 else 0
