"""``Gap`` rows: times of which events may be missing. Every collector may note the same one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django_celery_monitor.models import CollectorRun, Gap

# Past this a run that does not renew itself is over, and what it covered is known.
SETTLED: Final = timedelta(seconds=20)
# A broker deletes a queue that nobody consumed for so long, with what is in it.
EXPIRY: Final = timedelta(hours=72)
_LOOKED_AT: Final = 200
_MOST_LAG: Final = 3600.0


class Cover(NamedTuple):
    """A time of which all events are stored."""

    started: datetime
    ended: datetime


def holes(covers: Iterable[Cover], settled: datetime) -> list[Cover]:
    """What lies between covers, as far as the later one began before ``settled``."""
    found: list[Cover] = []
    until: datetime | None = None
    for cover in sorted(covers):
        if until and until < cover.started <= settled:
            found.append(Cover(until, cover.started))
        until = max(until or cover.ended, cover.ended)
    return found


def note_away(using: str, transport: str, now: datetime) -> None:
    """Note the times that no subscription covered, on a transport that keeps nothing."""
    runs = CollectorRun.objects.using(using).filter(transport=transport)
    covers = [_cover(run, now) for run in runs.order_by("-last_seen_at")[:_LOOKED_AT]]
    for hole in holes(covers, now - SETTLED):
        note(using, Gap.Reason.AWAY, transport, hole)


def note_new_queue(using: str, transport: str, now: datetime) -> None:
    """Note what was lost with a queue that should have been there."""
    start = left_off(using, transport, now)
    if start is None:
        return
    reason = Gap.Reason.AWAY if now - start >= EXPIRY else Gap.Reason.QUEUE_GONE
    note(using, reason, transport, Cover(start, now))


def left_off(using: str, transport: str, before: datetime) -> datetime | None:
    """Up to when the events are stored that the runs which began ``before`` then received."""
    runs = CollectorRun.objects.using(using).filter(transport=transport, started_at__lt=before)
    last = runs.order_by("-last_seen_at").first()
    # What waited in the queue was as old as the lag.
    return min(last.last_seen_at, before) - _lag(last) if last else None


def note(using: str, reason: Gap.Reason, transport: str, hole: Cover) -> None:
    """A gap that touches one of the same kind makes that one longer."""
    rows = Gap.objects.using(using).filter(reason=reason, transport=transport)
    known = rows.filter(started_at__lte=hole.ended, ended_at__gte=hole.started).first()
    if known is None:
        rows.get_or_create(
            started_at=hole.started,
            reason=reason,
            defaults={"ended_at": hole.ended, "transport": transport},
        )
    elif known.ended_at < hole.ended:
        rows.filter(pk=known.pk).update(ended_at=hole.ended)


def _cover(run: CollectorRun, now: datetime) -> Cover:
    if run.is_listening(now):
        return Cover(run.started_at, now)
    if run.ended_at:
        return Cover(run.started_at, run.ended_at)
    # It was killed, with what it had not stored yet.
    return Cover(run.started_at, max(run.last_seen_at - _lag(run), run.started_at))


def _lag(run: CollectorRun) -> timedelta:
    return timedelta(seconds=min(run.lag or 0.0, _MOST_LAG))
