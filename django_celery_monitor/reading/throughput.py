"""What finished, minute by minute: the figures behind every chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskStats
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.state.sketch import Bins, merge, quantile

COUNTS = ("succeeded", "retried", "failed", "rejected", "revoked", "runtime_us", "wait_us")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Runs that ended in one minute; ``runtimes`` is a sketch (see ``state.sketch``)."""

    start: datetime
    succeeded: int
    retried: int
    failed: int
    revoked: int
    # Mean numbers of tasks, from the sums of seconds that such tasks spent (Little's law).
    running: float
    waiting: float
    runtimes: Bins

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed + self.revoked

    @property
    def p50(self) -> float | None:
        return quantile(self.runtimes, 0.50)

    @property
    def p95(self) -> float | None:
        return quantile(self.runtimes, 0.95)

    @property
    def p99(self) -> float | None:
        return quantile(self.runtimes, 0.99)


def last_hour(
    user: User,
    now: datetime,
    grain: TaskStats.Grain = TaskStats.Grain.NAME,
    label: str | None = None,
) -> tuple[Minute, ...]:
    """The 60 minutes up to and with the one that runs, oldest first; empty ones included."""
    key = f"last_hour:{user.pk}:{grain}:{label}"
    minutes: tuple[Minute, ...]
    minutes, _when = remembered(key, lambda: tuple(_minutes(user, now, grain, label)))
    return minutes


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
        runtimes=merge(minute.runtimes for minute in minutes),
    )


def _minutes(
    user: User, now: datetime, grain: TaskStats.Grain, label: str | None
) -> Iterator[Minute]:
    this_minute = now.replace(second=0, microsecond=0)
    first = this_minute - 59 * MINUTE
    rows = get_policy().visible(user, TaskStats.objects.all())
    rows = rows.filter(period=TaskStats.Period.MINUTE, grain=grain, start__gte=first)
    if label is not None:
        rows = rows.filter(label=label)
    counts: dict[datetime, Counter[str]] = {}
    sketches: dict[datetime, list[Bins]] = {}
    for start, bins, *numbers in rows.values_list("start", "runtime_bins", *COUNTS):
        counts.setdefault(start, Counter()).update(dict(zip(COUNTS, numbers, strict=True)))
        sketches.setdefault(start, []).append(_bins(bins))
    for index in range(60):
        start = first + index * MINUTE
        yield _minute(start, counts.get(start, Counter()), merge(sketches.get(start, [])))


def _bins(text: str) -> Bins:
    return {int(index): count for index, count in orjson.loads(text or "{}").items()}


def _minute(start: datetime, counts: Counter[str], bins: Bins) -> Minute:
    return Minute(
        start=start,
        succeeded=counts["succeeded"],
        retried=counts["retried"],
        failed=counts["failed"] + counts["rejected"],
        revoked=counts["revoked"],
        running=counts["runtime_us"] / 60_000_000,
        waiting=counts["wait_us"] / 60_000_000,
        runtimes=bins,
    )
