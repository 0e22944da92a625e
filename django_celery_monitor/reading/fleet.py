"""All workers in a table: how they are, what they do, what they need, the troubled ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Sum

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Inspection, TaskStats
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.state.worker import Health
from django_celery_monitor.workers import WorkerView, worker_list

# Seconds; times that workers tell are wrong by so much.
CLOCK_IS_OFF: Final = 30.0
_FEW: Final = 100
_TROUBLE: Final = (Health.LOST, Health.LATE, Health.UNKNOWN, Health.ONLINE, Health.OFFLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """``failed``: the share of what finished in this hour and the last; ``None`` if nothing did."""

    view: WorkerView
    inspection: Inspection
    finished: int
    failed: float | None

    @property
    def busy(self) -> float | None:
        """From 0 to 1; ``None`` where the worker did not say how much it can do at once."""
        active, most = self.view.worker.active, self.inspection.concurrency
        return None if active is None or not most else min(active / most, 1.0)

    @property
    def queues(self) -> list[str]:
        return list(self.inspection.queues or ())

    @property
    def started_at(self) -> datetime | None:
        """As it said when asked, else when it came online; ``None`` once it is gone."""
        if self.view.health in (Health.OFFLINE, Health.LOST):
            return None
        return self.inspection.started_at or self.view.worker.online_at

    @property
    def clock_is_off(self) -> bool:
        return abs(self.view.worker.clock_offset or 0.0) > CLOCK_IS_OFF

    @property
    def is_mute(self) -> bool:
        """It does not answer, though it lives: its pool may be stuck, or remote control off."""
        alive = self.view.health in (Health.ONLINE, Health.LATE)
        return alive and self.inspection.silent_since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """``rows``: those that were asked for; ``healths`` and ``total`` count all of them."""

    rows: list[FleetRow]
    healths: Counter[Health]
    total: int


def fleet(user: User, now: datetime, heard: Listening, text: str = "", health: str = "") -> Fleet:
    """Workers whose name, queue, pool or version has ``text`` in it, and of that health."""
    rows = rows_of(user, now, worker_list(user, now, heard))
    found = [row for row in rows if text.lower() in _words(row)] if text else rows
    healths = Counter(row.view.health for row in found)
    shown = [row for row in found if not health or row.view.health == health]
    return Fleet(rows=sorted(shown, key=_trouble), healths=healths, total=len(found))


def rows_of(user: User, now: datetime, views: Sequence[WorkerView]) -> list[FleetRow]:
    """With what each told when it was asked, in short, and what finished in it lately."""
    hosts = [view.worker.hostname for view in views]
    inspections = get_policy().visible(user, Inspection.objects.all()).in_bulk(hosts)
    finished = _finished(user, now, hosts)
    return [_row(view, inspections, finished) for view in views]


def _row(
    view: WorkerView, inspections: Mapping[str, Inspection], finished: Mapping[str, tuple[int, int]]
) -> FleetRow:
    hostname = view.worker.hostname
    ended, failed = finished.get(hostname, (0, 0))
    return FleetRow(
        view=view,
        inspection=inspections.get(hostname) or Inspection(pk=hostname),
        finished=ended,
        failed=failed / ended if ended else None,
    )


def _trouble(row: FleetRow) -> tuple[int, bool, str]:
    well = not (row.clock_is_off or row.is_mute)
    return _TROUBLE.index(row.view.health), well, row.view.worker.hostname


def _words(row: FleetRow) -> str:
    worker = row.view.worker
    told = (worker.hostname, worker.sw_ident, worker.sw_ver, row.inspection.pool, *row.queues)
    return "\n".join(told).lower()


def _finished(user: User, now: datetime, hosts: list[str]) -> dict[str, tuple[int, int]]:
    """By host name, what finished in this hour and the last, and how much of it failed."""
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    rows = (
        get_policy()
        .visible(user, TaskStats.objects.all())
        .filter(period=TaskStats.Period.HOUR, grain=TaskStats.Grain.WORKER, start__gte=since)
    )
    # Of many, all: a query may name only so many.
    if len(hosts) <= _FEW:
        rows = rows.filter(label__in=hosts)
    failed = Sum(F("failed") + F("rejected"))
    finished = Sum(F("succeeded") + F("failed") + F("rejected") + F("revoked"))
    found = rows.values_list("label").annotate(ended=finished, broken=failed).order_by()
    return {label: (ended, broken) for label, ended, broken in found}
