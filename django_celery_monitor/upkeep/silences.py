"""``WorkerEvent`` rows of what we find out ourselves: a worker is lost, and is heard again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max, Q

from django_celery_monitor.models import Worker, WorkerEvent
from django_celery_monitor.state.worker import lost_after
from django_celery_monitor.workers import said_goodbye

Type = WorkerEvent.Type
# Of older silences the rows may have been deleted already.
_REMEMBERED: Final = timedelta(days=30)


def note_silences(now: datetime, listened: float, using: str) -> None:
    """Write what is not written yet; repeating it writes nothing. For one process at a time.

    ``listened``: seconds that a collector has been listening and keeping up.
    """
    rows = Worker.objects.using(using).filter(freq__isnull=False, arrived_at__gt=now - _REMEMBERED)
    workers = list(rows)
    noted = _noted([worker.hostname for worker in workers], using)
    new = [
        event
        for worker in workers
        for event in _found(worker, now, listened, *noted.get(worker.hostname, (None, None)))
    ]
    WorkerEvent.objects.using(using).bulk_create(new, ignore_conflicts=True)


def _noted(hostnames: list[str], using: str) -> dict[str, tuple[datetime | None, datetime | None]]:
    """The latest time at which each was found lost, and was heard again."""
    events = WorkerEvent.objects.using(using).filter(worker__in=hostnames)
    rows = (
        events.order_by()
        .values_list("worker")
        .annotate(
            lost=Max("time", filter=Q(type=Type.LOST)), back=Max("time", filter=Q(type=Type.BACK))
        )
    )
    return {worker: (lost, back) for worker, lost, back in rows}


def _found(
    worker: Worker,
    now: datetime,
    listened: float,
    lost: datetime | None,
    back: datetime | None,
) -> Iterator[WorkerEvent]:
    patience = timedelta(seconds=lost_after(worker.freq or 0))
    # A silence counts from when somebody listened to it.
    since = max(worker.arrived_at, now - timedelta(seconds=listened)) + patience
    is_silent = worker.arrived_at + patience < now
    is_noted = lost is not None and lost > worker.arrived_at
    if is_silent and since < now and not is_noted and not said_goodbye(worker):
        yield WorkerEvent(worker=worker.hostname, time=since, type=Type.LOST)
    if is_silent or lost is None or is_noted or (back and back > lost):
        return
    if not _told(worker, lost - patience):
        yield WorkerEvent(worker=worker.hostname, time=worker.arrived_at, type=Type.BACK)


def _told(worker: Worker, moment: datetime) -> bool:
    """Whether it came online after that: then its own word of it is written already."""
    ahead = timedelta(seconds=worker.clock_offset or 0.0)
    return worker.online_at is not None and worker.online_at - ahead > moment
