"""``Inspection`` and ``WorkerReply`` rows: who is to be asked, and what was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction

from django_celery_monitor.control.told import Told
from django_celery_monitor.models import Inspection, Worker, WorkerReply
from django_celery_monitor.upkeep import revision
from django_celery_monitor.workers import said_goodbye

Part = WorkerReply.Part
# Whoever was silent for longer is not asked unless a page wants to know.
_HEARD: Final = timedelta(seconds=60)
_KEPT: Final = timedelta(days=7)
_NAMED: Final = 100


class Wanted(NamedTuple):
    """``since``: when a page asked; ``None`` where nobody did."""

    hostname: str
    since: datetime | None


def wanted(most: int, using: str) -> list[Wanted]:
    """The workers that pages want to know of, whoever waited longest first."""
    rows = Inspection.objects.using(using).filter(wanted_at__isnull=False).order_by("wanted_at")
    return [Wanted(*row) for row in rows.values_list("hostname", "wanted_at")[:most]]


def unasked(now: datetime, every: float, most: int, using: str) -> list[Wanted]:
    """Workers that live and were not asked for ``every`` seconds, those longest ago first."""
    heard = Worker.objects.using(using).filter(arrived_at__gt=now - _HEARD)
    rows = heard.only("hostname", "online_at", "offline_at", "heartbeat_at", "arrived_at")
    hosts = [row.hostname for row in rows if not said_goodbye(row)]
    asked = dict(
        Inspection.objects.using(using)
        .filter(asked_at__gt=now - timedelta(seconds=every))
        .values_list("hostname", "asked_at")
    )
    return [Wanted(host, None) for host in sorted(set(hosts) - set(asked))[:most]]


def keep(
    asked: Sequence[Wanted], told: Mapping[str, Mapping[str, Told]], at: datetime, using: str
) -> int:
    """Store what was told ``at`` that time, also that nothing was; returns the new revision."""
    with transaction.atomic(using=using):
        rows = Inspection.objects.using(using)
        rows.bulk_create([Inspection(pk=each.hostname) for each in asked], ignore_conflicts=True)
        for each in asked:
            row = rows.filter(pk=each.hostname)
            said = told.get(each.hostname)
            if said:
                row.update(asked_at=at, answered_at=at, silent_since=None, **_in_short(said, at))
            else:
                row.update(asked_at=at)
                row.filter(silent_since=None).update(silent_since=at)
            # Unless somebody asked again meanwhile.
            row.filter(wanted_at=each.since).update(wanted_at=None)
        _replace(told, at, using)
        return revision.advance(using)


def forget(now: datetime, using: str) -> None:
    """Delete what was told by workers that have not answered for a week."""
    WorkerReply.objects.using(using).filter(told_at__lt=now - _KEPT).delete()
    Inspection.objects.using(using).filter(asked_at__lt=now - _KEPT).delete()


def _replace(told: Mapping[str, Mapping[str, Told]], at: datetime, using: str) -> None:
    replies = WorkerReply.objects.using(using)
    for host, parts in told.items():
        replies.filter(worker=host, part__in=list(parts)).delete()
    replies.bulk_create(
        [
            WorkerReply(worker=host, part=part, told_at=at, total=said.total, content=said.content)
            for host, parts in told.items()
            for part, said in parts.items()
        ],
        # Another collector whose lease has just ended may have written the same.
        ignore_conflicts=True,
    )


def _in_short(parts: Mapping[str, Told], at: datetime) -> dict[str, Any]:
    """The columns for lists of workers."""
    short: dict[str, Any] = {}
    if stats := parts.get(Part.STATS):
        pool = stats.content.get("pool")
        pool = pool if isinstance(pool, dict) else {}
        size = pool.get("max-concurrency")
        short["concurrency"] = size if type(size) is int and 0 <= size < 2**31 else None
        short["pool"] = _pool(pool.get("implementation"))
        uptime = stats.content.get("uptime")
        known = type(uptime) in (int, float) and 0 <= uptime < 1e9
        short["started_at"] = at - timedelta(seconds=uptime) if known else None
    if queues := parts.get(Part.QUEUES):
        short["queues"] = [each["name"] for each in queues.content if each["name"]][:_NAMED]
    return short


def _pool(implementation: Any) -> str:
    """``prefork`` of ``celery.concurrency.prefork:TaskPool``."""
    text = implementation if isinstance(implementation, str) else ""
    return text.partition(":")[0].rpartition(".")[2][:64]
