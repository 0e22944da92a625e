"""How fast queues grow: tasks that came less tasks that ended, as far as it was recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Task, TaskStats
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.reading.series_gaps import Coverage, Hole, coverage
from django_celery_monitor.reading.uncounted import uncounted

# Rates are means over this time, or over what the newest tasks span if they are very many.
RECENT: Final = timedelta(minutes=15)
MINUTE: Final = timedelta(minutes=1)
# So many of the newest tasks are looked at.
LOOKED_AT: Final = 5_000
_ENDED: Final = ("succeeded", "failed", "rejected", "revoked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Of one queue, per minute; ``received``: how many tasks workers took in ``RECENT``."""

    arriving: float = 0.0
    finishing: float = 0.0
    received: int = 0

    @property
    def growth(self) -> float:
        return self.arriving - self.finishing


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """By queue; ``known``: whether anybody listened, and it is counted for the reader, so that a
    queue without one stands still.
    """

    queues: dict[str, Flow]
    known: bool

    def get(self, name: str) -> Flow | None:
        return self.queues.get(name, Flow()) if self.known else None


def flows(user: User, now: datetime, heard: Listening, covered: Coverage | None = None) -> Flows:
    """What came and what ended lately, in at most five bounded queries.

    ``covered``: what a page has read for its charts already.
    """
    first = now - RECENT
    known = covered if covered and covered.start <= first else None
    found: Flows
    found, _when = remembered(
        f"flows:{user.pk}", lambda: _look(user, known or coverage(first, now, heard))
    )
    return found


def _look(user: User, covered: Coverage) -> Flows:
    now, first = covered.now, covered.now - RECENT
    begun = covered.begun or now
    lost = [*covered.noted, Hole(first, begun, "")]
    # What ended is counted for all readers together; without it, all that came would be growth.
    if TaskStats.Grain.QUEUE in uncounted(user):
        return Flows(queues={}, known=False)
    # A minute says little, and less than one says nothing.
    if not covered.heard.on or _recorded(first, now, lost) < MINUTE:
        return Flows(queues={}, known=False)
    came, since = _came(user, first, now)
    ended, received, until = _went(user, min(since, now - 2 * MINUTE), now)
    into, out = _recorded(since, now, lost) / MINUTE, _recorded(until, now, lost) / MINUTE
    return Flows(
        queues={
            queue: Flow(
                arriving=came[queue] / max(into, 1 / 60),
                finishing=ended[queue] / max(out, 1 / 60),
                received=received[queue],
            )
            for queue in {*came, *ended, *received}
        },
        known=True,
    )


def _came(user: User, first: datetime, now: datetime) -> tuple[Counter[str], datetime]:
    """How many tasks began, and since when: of very many only the newest are looked at."""
    tasks = Task.objects.filter(time__gte=first, time__lte=now)
    rows = get_policy().visible(user, tasks).order_by("-time")
    queues = Counter(rows.values_list("queue", flat=True)[:LOOKED_AT])
    if queues.total() < LOOKED_AT:
        return queues, first
    oldest = rows.values_list("time", flat=True)[LOOKED_AT - 1 : LOOKED_AT]
    return queues, next(iter(oldest), first)


def _went(
    user: User, since: datetime, now: datetime
) -> tuple[Counter[str], Counter[str], datetime]:
    """How many tasks ended and were received, since the minute of ``since``."""
    first = (now - RECENT).replace(second=0, microsecond=0)
    since = since.replace(second=0, microsecond=0)
    rows = TaskStats.objects.filter(
        period=TaskStats.Period.MINUTE, grain=TaskStats.Grain.QUEUE, start__gte=first
    )
    columns = get_policy().visible(user, rows).order_by().values_list("label", "start")
    ended: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for queue, start, took, *ends in columns.annotate(
        Sum("received"), *(Sum(name) for name in _ENDED)
    ).iterator():
        received[queue] += took
        if start >= since:
            ended[queue] += sum(ends)
    return ended, received, since


def _recorded(first: datetime, now: datetime, lost: Iterable[Hole]) -> timedelta:
    """How much of the time was listened to; holes may overlap."""
    found, at = timedelta(), first
    for hole in sorted(lost):
        found += max(min(hole.start, now) - at, timedelta())
        at = max(at, min(hole.end, now))
    return found + (now - at)
