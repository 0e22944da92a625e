"""What finished, minute by minute: the figures behind every chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django_celery_monitor.access.policy import User
from django_celery_monitor.reading.series import Reading
from django_celery_monitor.reading.series_rows import Figures, all_of
from django_celery_monitor.reading.series_window import window_of

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Runs that ended in one minute, or in several."""

    start: datetime
    succeeded: int
    retried: int
    failed: int
    revoked: int
    # Mean numbers of tasks, from the sums of seconds that such tasks spent (Little's law).
    running: float
    waiting: float
    figures: Figures

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed + self.revoked

    @property
    def p50(self) -> float | None:
        return self.figures.quantile("runtime_bins", 0.50)

    @property
    def p95(self) -> float | None:
        return self.figures.quantile("runtime_bins", 0.95)

    @property
    def p99(self) -> float | None:
        return self.figures.quantile("runtime_bins", 0.99)


def last_hour(user: User, now: datetime, reading: Reading | None = None) -> tuple[Minute, ...]:
    """The 60 minutes up to and with the one that runs, oldest first; empty ones included.

    ``reading``: one that was made for a chart; it is used if it is of just these minutes.
    """
    window = window_of({}, now)
    if reading is None or reading.of or reading.window != window:
        reading = Reading(user, window, now)
    nothing = Figures()
    return tuple(
        _minute(start, reading.total.get(step, nothing)) for step, start in enumerate(window.starts)
    )


def per_minute(minutes: tuple[Minute, ...], now: datetime) -> float:
    """Tasks finished per minute, over the last five minutes and what has passed of this one."""
    recent = [minute for minute in minutes if now - minute.start < 6 * MINUTE]
    if not recent:
        return 0.0
    return sum(minute.finished for minute in recent) / max((now - recent[0].start) / MINUTE, 1.0)


def whole(minutes: tuple[Minute, ...]) -> Minute:
    """All of them as one."""
    return Minute(
        start=minutes[0].start,
        succeeded=sum(minute.succeeded for minute in minutes),
        retried=sum(minute.retried for minute in minutes),
        failed=sum(minute.failed for minute in minutes),
        revoked=sum(minute.revoked for minute in minutes),
        running=sum(minute.running for minute in minutes) / len(minutes),
        waiting=sum(minute.waiting for minute in minutes) / len(minutes),
        figures=all_of(minute.figures for minute in minutes),
    )


def _minute(start: datetime, figures: Figures) -> Minute:
    counts = figures.counts
    return Minute(
        start=start,
        succeeded=counts["succeeded"],
        retried=counts["retried"],
        failed=counts["failed"] + counts["rejected"],
        revoked=counts["revoked"],
        running=counts["runtime_us"] / 60_000_000,
        waiting=counts["wait_us"] / 60_000_000,
        figures=figures,
    )
