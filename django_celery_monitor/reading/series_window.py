"""Which stretch of time a chart shows, in how many steps, and which counts it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.filters import FilterError, moment
from django_celery_monitor.models import TaskStats
from django_celery_monitor.upkeep.retention import KEEP_STATS

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
RANGES: Final = {
    "15m": 15 * MINUTE,
    "1h": HOUR,
    "6h": 6 * HOUR,
    "24h": DAY,
    "7d": 7 * DAY,
    "30d": 30 * DAY,
    "90d": 90 * DAY,
}
DEFAULT: Final = "1h"
# A chart has no room for more; a week of hours just fits.
MOST_POINTS: Final = 170
# So many rows with sketches take a good part of a second; what needs more takes coarser counts.
MOST_ROWS: Final = 30_000
_STEPS: Final = {
    TaskStats.Period.MINUTE: (MINUTE, (1, 2, 3, 5, 10, 15, 20, 30)),
    TaskStats.Period.HOUR: (HOUR, (1, 2, 3, 4, 6, 12)),
    TaskStats.Period.DAY: (DAY, (1, 2, 5, 10)),
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From ``start`` to ``end`` in equal steps, made of counts per ``period``.

    ``key`` is one of ``RANGES``, which ends now; empty for a stretch between two given times.
    """

    key: str
    start: datetime
    end: datetime
    step: timedelta
    period: TaskStats.Period

    def __len__(self) -> int:
        return (self.end - self.start) // self.step

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def starts(self) -> Iterator[datetime]:
        return (self.start + index * self.step for index in range(len(self)))

    @property
    def before(self) -> Window:
        """The stretch of the same length that this one follows."""
        return Window(
            key="",
            start=self.start - self.length,
            end=self.start,
            step=self.step,
            period=self.period,
        )

    def place(self, start: datetime) -> int:
        """The step that a time of the window lies in."""
        return (start - self.start) // self.step


def window_of(params: Mapping[str, str], now: datetime, labels: int = 1) -> Window:
    """What ``range``, or ``from`` and ``to``, ask for; ``labels`` rows begin at each time.

    Raises ``FilterError`` for what cannot be shown.
    """
    given, until = params.get("from", ""), params.get("to", "")
    if given or until:
        return _between(given, until, now, labels)
    key = params.get("range", "") or DEFAULT
    if key not in RANGES:
        raise FilterError(
            _("%(value)s is not a range: use %(ranges)s.")
            % {"value": key[:40], "ranges": ", ".join(RANGES)}
        )
    length = RANGES[key]
    period, step = _resolution(length, length, labels)
    end = _floor(now, step) + step
    steps = max(length // step, 1)
    return Window(key=key, start=end - steps * step, end=end, step=step, period=period)


def _between(given: str, until: str, now: datetime, labels: int) -> Window:
    start, end = moment(given or "1h"), min(moment(until), now) if until else now
    if start >= end:
        raise FilterError(_("A chart must begin before it ends, and before now."))
    oldest = KEEP_STATS[TaskStats.Period.DAY]
    if now - start > oldest + DAY:
        raise FilterError(
            _("Counts are kept for %(days)d days; %(value)s is before that.")
            % {"days": oldest.days, "value": given}
        )
    period, step = _resolution(end - start, now - start, labels)
    first, last = _floor(start, step), _floor(end - timedelta.resolution, step) + step
    return Window(key="", start=first, end=last, step=step, period=period)


def _resolution(
    length: timedelta, age: timedelta, labels: int
) -> tuple[TaskStats.Period, timedelta]:
    """The finest counts that are kept long enough, and the shortest step that fits a chart."""
    for period, (unit, steps) in _STEPS.items():
        if age > KEEP_STATS[period] or length // unit * labels > MOST_ROWS:
            continue
        for count in steps:
            if length / (count * unit) <= MOST_POINTS:
                return period, count * unit
    return TaskStats.Period.DAY, 10 * DAY


def _floor(time: datetime, step: timedelta) -> datetime:
    return _EPOCH + (time - _EPOCH) // step * step
