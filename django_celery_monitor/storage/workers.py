"""``Worker`` rows: of each fact the latest word counts, whatever order the events come in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.db import connections

from django_celery_monitor.events import Timestamp, WorkerEvent
from django_celery_monitor.models import Worker
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.rows import moment

_STATUS: Final = ("freq", "pid", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys")
_SEEN_AT: Final = {"online": "online_at", "offline": "offline_at", "heartbeat": "heartbeat_at"}
_COLUMNS: Final = (
    "hostname",
    "first_seen_at",
    "arrived_at",
    *_SEEN_AT.values(),
    "event_at",
    *_STATUS,
    "clock_offset",
)
# Task events come by the thousand; health is judged in seconds.
_ARRIVAL_STEP: Final = timedelta(seconds=1)
_MAX_INT: Final = 2**31 - 1


def merge(
    events: list[WorkerEvent],
    task_hosts: Iterable[str],
    arrived: Timestamp,
    using: str,
    *,
    prompt: bool,
) -> list[str]:
    """Write what changed and return those host names.

    ``task_hosts``: who sent task events; that is a sign of life too, and all there is of workers
    without heartbeats. ``prompt``: nothing waited in a queue for long, so that how late a
    heartbeat comes tells its worker's clock from ours.
    """
    hosts = {event.hostname for event in events}.union(task_hosts)
    if not hosts:
        return []
    stored = {
        row["hostname"]: row
        for row in Worker.objects.using(using).filter(hostname__in=hosts).values(*_COLUMNS)
    }
    now = moment(arrived)
    rows = {host: dict(stored.get(host) or _new(host, now)) for host in sorted(hosts)}
    for row in rows.values():
        if now - row["arrived_at"] >= _ARRIVAL_STEP:
            row["arrived_at"] = now
    for event in events:
        _merge_event(rows[event.hostname], event, arrived if prompt else None)
    changed = [host for host, row in rows.items() if row != stored.get(host)]
    vendor = connections[using].vendor
    values = [_values(rows[host], vendor) for host in changed]
    upsert(Worker, _COLUMNS, ("hostname",), values, using)
    return changed


def _new(host: str, now: Any) -> dict[str, Any]:
    row = dict.fromkeys(_COLUMNS)
    row.update(hostname=host, first_seen_at=now, arrived_at=now)
    row.update(event_at=moment(0.0), loadavg=[], sw_ident="", sw_ver="", sw_sys="")
    return row


def process_id(event: WorkerEvent) -> int:
    return min(event.pid, _MAX_INT)


def _merge_event(row: dict[str, Any], event: WorkerEvent, arrived: Timestamp | None) -> None:
    time = moment(event.timestamp)
    column = _SEEN_AT[event.type]
    if row[column] is None or row[column] < time:
        row[column] = time
    # A heartbeat on demand carries no load and an interval that is not the worker's.
    if "active" not in event.data or row["event_at"] > time:
        return
    said = {"pid": process_id(event), **status(event.data)}
    # Of two at one moment it is always the same one that counts.
    if row["event_at"] < time or _text(row) < _text(said):
        row.update(said, event_at=time)
        if arrived is not None:
            row["clock_offset"] = round(event.timestamp - arrived, 3)


def _text(row: dict[str, Any]) -> str:
    return json.dumps([row[field] for field in _STATUS])


def status(data: dict[str, Any]) -> dict[str, Any]:
    """What a heartbeat says, but for figures that no column holds."""
    load = data.get("loadavg")
    return {
        "freq": _number(data.get("freq")),
        "active": _integer(data.get("active")),
        "processed": _integer(data.get("processed"), most=2.0**53),
        "loadavg": [x for x in load if _number(x) is not None][:3]
        if isinstance(load, list)
        else [],
        **{field: str(data.get(field, ""))[:64] for field in ("sw_ident", "sw_ver", "sw_sys")},
    }


def _number(value: Any, most: float = 1e9) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < most
    return float(value) if good else None


def _integer(value: Any, most: float = 1e9) -> int | None:
    number = _number(value, most)
    return None if number is None else int(number)


def _values(row: dict[str, Any], vendor: str) -> tuple[Any, ...]:
    # Only Django's own write path turns a list into JSON by itself.
    load = json.dumps(row["loadavg"]) if vendor in ("sqlite", "mysql") else row["loadavg"]
    if vendor == "postgresql":
        from psycopg.types.json import Jsonb

        load = Jsonb(row["loadavg"])
    return tuple(load if column == "loadavg" else row[column] for column in _COLUMNS)
