"""How busy one worker was, out of what its heartbeats said: lines for its charts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import WorkerSample
from django_celery_monitor.reading.series import Line
from django_celery_monitor.reading.series_gaps import Hole
from django_celery_monitor.reading.series_window import MINUTE, Window
from django_celery_monitor.upkeep.retention import KEEP_SAMPLES

# Each with its colour; what they are is said by ``views.chart.TITLES``.
SAMPLED: Final = {"active": "run", "load": "wait", "processed": "ok"}


class Sample(NamedTuple):
    minute: datetime
    event_at: datetime
    active: int | None
    processed: int | None
    load: float | None


def samples(user: User, hostname: str, window: Window, now: datetime) -> list[Sample]:
    """Those of a window, oldest first, and one before it: there is one a minute at most."""
    rows = WorkerSample.objects.filter(
        worker=hostname,
        minute__gte=max(window.start - window.step, now - KEEP_SAMPLES),
        minute__lt=window.end,
    )
    columns = get_policy().visible(user, rows).order_by("minute").values_list(*Sample._fields)
    return [Sample(*row) for row in columns.iterator()]


def sample_lines(found: list[Sample], measure: str, window: Window) -> list[Line]:
    """The mean of each step and, where a step has many samples, the highest of them."""
    steps: list[list[float]] = [[] for _step in range(len(window))]
    for time, value in _values(found, measure):
        if window.start <= time < window.end:
            steps[window.place(time)].append(value)
    every = [value for step in steps for value in step]
    mean = Line(
        key="mean",
        label=_("mean"),
        colour=SAMPLED[measure],
        values=tuple(_mean(step) for step in steps),
        whole=_mean(every),
    )
    if window.step <= MINUTE:
        return [mean]
    highest = Line(
        key="max",
        label=_("highest"),
        colour="lost",
        values=tuple(max(step, default=None) for step in steps),
        whole=max(every, default=None),
    )
    return [highest, mean]


def forgotten(window: Window, now: datetime) -> list[Hole]:
    """The part of a window of which no sample is kept."""
    kept = now - KEEP_SAMPLES
    reason = _("samples of workers are kept for %(days)d days") % {"days": KEEP_SAMPLES.days}
    if window.start >= kept:
        return []
    return [Hole(window.start, min(kept, window.end), reason)]


def _values(found: list[Sample], measure: str) -> Iterable[tuple[datetime, float]]:
    if measure == "processed":
        return _rates(found)
    values = ((each.minute, getattr(each, measure)) for each in found)
    return ((time, value) for time, value in values if value is not None)


def _rates(found: list[Sample]) -> Iterable[tuple[datetime, float]]:
    """Per minute, between each sample and the one before it."""
    known = [(each.event_at, each.minute, each.processed) for each in found]
    for (began, _minute, before), (ended, minute, after) in pairwise(known):
        if before is None or after is None or ended <= began:
            continue
        # A new process counts from nothing, and nobody knows what the old one still did.
        grown = after - before if after >= before else after
        yield minute, grown / ((ended - began) / timedelta(minutes=1))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
