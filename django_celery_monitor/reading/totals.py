"""Task types, or queues, added up over a stretch of time and compared with the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Greatest

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskStats, TaskTotals
from django_celery_monitor.reading.own_totals import own_figures
from django_celery_monitor.reading.periods import (
    DAY,
    HOUR,
    MINUTE,
    any_of,
    cover,
    midnight,
)
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.reading.series_rows import COUNTS, Figures
from django_celery_monitor.reading.series_window import Window
from django_celery_monitor.reading.uncounted import uncounted

POINTS: Final = 30
QUANTILES: Final = (0.50, 0.95, 0.99)
_ENDED: Final = ("succeeded", "failed", "rejected", "revoked")
Grain = TaskStats.Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Runs of one label that ended; ``before``: in the range before, ``None`` if not known.

    ``runtimes`` and ``waits``: the median, the 95th and the 99th percentile, in seconds.
    """

    label: str
    figures: Figures
    received: int
    before: int | None
    runtimes: tuple[float | None, ...]
    waits: tuple[float | None, ...]

    @property
    def ended(self) -> int:
        return sum(self.figures.counts[name] for name in _ENDED)

    @property
    def failed(self) -> int:
        return self.figures.counts["failed"] + self.figures.counts["rejected"]

    @property
    def retried(self) -> int:
        return self.figures.counts["retried"]

    @property
    def retries(self) -> float:
        """Of a run, on average."""
        return self.retried / self.ended if self.ended else 0.0

    @property
    def succeeded(self) -> float | None:
        """The share of what succeeded or failed; ``None`` of nothing."""
        judged = self.figures.counts["succeeded"] + self.failed
        return self.figures.counts["succeeded"] / judged if judged else None

    @property
    def seconds(self) -> float:
        """Spent running, all runs together."""
        return self.figures.counts["runtime_us"] / 1_000_000

    @property
    def change(self) -> float | None:
        """How many more runs ended than in the range before: 0.5 is half as many again."""
        return (self.ended - self.before) / self.before if self.before else None


def totals(user: User, grain: Grain, window: Window, now: datetime) -> list[Totals]:
    """Each label of a grain that something happened under, in no order."""
    key = f"totals:{user.pk}:{grain}:{window}"
    found, _when = remembered(key, lambda: _totals(user, grain, window, now))
    return found


def one(user: User, grain: Grain, label: str, window: Window, now: datetime) -> Totals:
    """The same of one label, with zeros if nothing happened."""
    found = _totals(user, grain, window, now, label)
    return found[0] if found else nothing(label)


def nothing(label: str) -> Totals:
    return _sum_up(label, Figures(), 0, None)


def trends(user: User, grain: Grain, window: Window, labels: Sequence[str]) -> dict[str, list[int]]:
    """By label, runs that ended in equal parts of the window, ``POINTS`` at most, oldest first;
    nothing where they are not counted for this reader.

    Not in the one that runs, which would look like a fall.
    """
    if grain in uncounted(user):
        return {label: [] for label in labels}
    period, unit = _trend_unit(window.length)
    first, end = _floor(window.start, unit), _floor(window.end - timedelta.resolution, unit)
    if not window.key:
        end += unit
    steps = max((end - first) // unit, 1)
    length = -(-steps // POINTS) * unit
    points = -(-steps * unit // length)
    rows = _visible(user, grain).filter(
        period=period, start__gte=first, start__lt=end, label__in=labels
    )
    ended = sum((F(name) for name in _ENDED[1:]), start=F(_ENDED[0]))
    found = {label: [0] * points for label in labels}
    for label, start, number in rows.values_list("label", "start", ended).iterator():
        found[label][points - 1 - (end - unit - start) // length] += number
    return found


def ever(user: User, grain: TaskTotals.Grain, **of: str) -> list[tuple[str, int]]:
    """Since counting began: of a name its workers or queues, of a queue its names; most first."""
    other = "label" if "name" in of else "name"
    rows = get_policy().visible(user, TaskTotals.objects.filter(grain=grain, **of))
    counted = rows.annotate(number=Greatest("sent", "received")).filter(number__gt=0)
    return list(counted.order_by("-number", other).values_list(other, "number")[:8])


def _totals(
    user: User, grain: Grain, window: Window, now: datetime, label: str | None = None
) -> list[Totals]:
    if grain in uncounted(user):
        figures, received = own_figures(user, grain, window, label)
        return [_sum_up(each, found, received[each], None) for each, found in figures.items()]
    rows = _visible(user, grain)
    if label is not None:
        rows = rows.filter(label=label)
    figures, received = _figures(rows.filter(_within(window, now)))
    before = _before(rows, window, now)
    return [_sum_up(each, found, received[each], before) for each, found in figures.items()]


def _sum_up(label: str, figures: Figures, received: int, before: dict[str, int] | None) -> Totals:
    return Totals(
        label=label,
        figures=figures,
        received=received,
        before=None if before is None else before.get(label, 0),
        runtimes=tuple(figures.quantile("runtime_bins", q) for q in QUANTILES),
        waits=tuple(figures.quantile("wait_bins", q) for q in QUANTILES),
    )


def _figures(rows: QuerySet[TaskStats]) -> tuple[dict[str, Figures], dict[str, int]]:
    found: dict[str, Figures] = {}
    received: dict[str, int] = {}
    columns = ("label", "received", "runtime_bins", "wait_bins", *COUNTS)
    for label, number, runtimes, waits, *counts in rows.values_list(*columns).iterator():
        figures = found.setdefault(label, Figures())
        received[label] = received.get(label, 0) + number
        figures.count(counts)
        figures.sketch("runtime_bins", runtimes)
        figures.sketch("wait_bins", waits)
    return found, received


def _before(rows: QuerySet[TaskStats], window: Window, now: datetime) -> dict[str, int] | None:
    """How many runs ended in the range before; ``None`` if that was before anything was kept."""
    condition, smallest = _within(window.before, now), window.before.period
    # All grains begin together; of one the index knows the first.
    begun = TaskStats.objects.filter(period=smallest, grain=Grain.NAME)
    kept = begun.aggregate(first=Min("start"))["first"]
    if kept is None or kept > window.before.start:
        return None
    ended = sum((Sum(name) for name in _ENDED[1:]), start=Sum(_ENDED[0]))
    return dict(rows.filter(condition).order_by().values_list("label").annotate(ended=ended))


def _within(window: Window, now: datetime) -> Q:
    start, end = int(window.start.timestamp()), int(window.end.timestamp())
    age = (now - window.start) / timedelta(days=1)
    # As long as they are kept, less what a sweep may be early.
    smallest = MINUTE if age < 2.9 else HOUR if age < 89 else DAY
    # What ends now needs no more than the rows of today.
    return any_of(cover(start, midnight(now) if window.key else end, smallest))


def _trend_unit(length: timedelta) -> tuple[TaskStats.Period, timedelta]:
    if length <= timedelta(hours=6):
        return TaskStats.Period.MINUTE, timedelta(minutes=1)
    if length <= timedelta(days=7):
        return TaskStats.Period.HOUR, timedelta(hours=1)
    return TaskStats.Period.DAY, timedelta(days=1)


def _floor(time: datetime, unit: timedelta) -> datetime:
    return time - timedelta(seconds=time.timestamp() % unit.total_seconds())


def _visible(user: User, grain: Grain) -> QuerySet[TaskStats]:
    return get_policy().visible(user, TaskStats.objects.filter(grain=grain))
