"""Counts out of ``TaskStats``, added up by step and label; every query is bounded by its window."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from typing import Final

import orjson
from django.db.models import F, QuerySet, Sum

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskStats
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.reading.series_window import DAY, Window
from django_celery_monitor.reading.uncounted import uncounted
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.sketch import Bins, seconds_of

Grain = TaskStats.Grain
COUNTS: Final = ("succeeded", "retried", "failed", "rejected", "revoked", "runtime_us", "wait_us")
SKETCHES: Final = ("runtime_bins", "wait_bins")
TOP: Final = 7


class Figures:
    """What was counted in one step under one label, or the sum of other figures.

    Sketches are summed when they are asked for: most charts show none.
    """

    __slots__ = ("_bins", "_parts", "_ranks", "counts")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self._bins: dict[str, Bins] = {}
        self._parts: list[tuple[Figures, int]] = []
        self._ranks: dict[str, tuple[list[int], list[int]]] = {}

    def count(self, numbers: Iterable[int]) -> None:
        for name, number in zip(COUNTS, numbers, strict=True):
            self.counts[name] += number

    def sketch(self, name: str, text: str) -> None:
        bins = self._bins.setdefault(name, {})
        for index, number in orjson.loads(text).items():
            place = int(index)
            bins[place] = bins.get(place, 0) + number

    def add(self, other: Figures) -> None:
        self.count(other.counts.values())
        self._parts.append((other, 1))

    def less(self, other: Figures | None) -> Figures:
        """What is left without ``other``; never below zero, though it was read a moment later."""
        found = Figures()
        found.add(self)
        if other:
            for name, number in other.counts.items():
                found.counts[name] = max(found.counts[name] - number, 0)
            found._parts.append((other, -1))
        return found

    def sum(self, columns: Iterable[str]) -> int:
        return sum(self.counts[name] for name in columns)

    def quantile(self, sketch: str, q: float) -> float | None:
        """As ``state.sketch.quantile``, for several ``q`` of one sketch."""
        if sketch not in self._ranks:
            bins = self.bins(sketch)
            indices = sorted(index for index, number in bins.items() if number > 0)
            self._ranks[sketch] = indices, list(accumulate(bins[index] for index in indices))
        indices, seen = self._ranks[sketch]
        if not seen:
            return None
        return seconds_of(indices[bisect_right(seen, q * (seen[-1] - 1))])

    def bins(self, sketch: str) -> Bins:
        if not self._parts:
            return self._bins.get(sketch, {})
        bins: Bins = {}
        for part, sign in self._parts:
            for index, number in part.bins(sketch).items():
                bins[index] = bins.get(index, 0) + sign * number
        return bins


# By label, by step.
Table = dict[str, dict[int, Figures]]


def total_grain(user: User) -> TaskStats.Grain:
    """The grain that sums up everything ``user`` may see, in as few rows as can be.

    Queues are few and hold what names hold, but a policy that narrows rows mostly does so by name.
    """
    if not get_policy().hides(user, "TaskStats") or Grain.NAME in uncounted(user):
        return Grain.QUEUE
    return Grain.NAME


def labels_at(user: User, grain: TaskStats.Grain, end: datetime) -> int:
    """How many labels a grain has lately: so many rows begin at each time, at most."""
    rows = _visible(user, grain).filter(period=TaskStats.Period.DAY)
    return rows.filter(start__gte=end - 2 * DAY, start__lt=end).values("label").distinct().count()


def read(
    user: User,
    window: Window,
    grain: TaskStats.Grain,
    labels: Iterable[str] | None = None,
    sketches: tuple[str, ...] = SKETCHES,
) -> Table:
    """Counts of a window under some labels, or under each, and the sketches that are needed."""
    chosen = None if labels is None else tuple(sorted(labels))
    key = f"series:{user.pk}:{window}:{grain}:{chosen}:{sketches}"
    rows = _rows(user, window, grain, chosen)
    found: Table
    found, _when = remembered(key, lambda: _read(rows, window, sketches))
    return found


def top(user: User, window: Window, grain: TaskStats.Grain, columns: tuple[str, ...]) -> list[str]:
    """The labels with the highest sums of ``columns`` in a window, highest first."""
    key = f"top:{user.pk}:{window}:{grain}:{columns}"
    found: list[str]
    found, _when = remembered(key, lambda: _top(user, window, grain, columns))
    return found


def _top(user: User, window: Window, grain: TaskStats.Grain, columns: tuple[str, ...]) -> list[str]:
    rows = _rows(user, window, grain, None).exclude(label=OTHER)
    value = sum((F(name) for name in columns[1:]), start=F(columns[0]))
    summed = rows.order_by().values("label").annotate(value=Sum(value)).filter(value__gt=0)
    return list(summed.order_by("-value", "label").values_list("label", flat=True)[:TOP])


def _rows(
    user: User, window: Window, grain: TaskStats.Grain, labels: tuple[str, ...] | None
) -> QuerySet[TaskStats]:
    rows = _visible(user, grain).filter(
        period=window.period, start__gte=window.start, start__lt=window.end
    )
    return rows if labels is None else rows.filter(label__in=labels)


def _visible(user: User, grain: TaskStats.Grain) -> QuerySet[TaskStats]:
    return get_policy().visible(user, TaskStats.objects.all()).filter(grain=grain)


def _read(rows: QuerySet[TaskStats], window: Window, sketches: tuple[str, ...]) -> Table:
    found: Table = {}
    wide = 2 + len(sketches)
    for row in rows.order_by().values_list("start", "label", *sketches, *COUNTS).iterator():
        figures = found.setdefault(row[1], {}).setdefault(window.place(row[0]), Figures())
        figures.count(row[wide:])
        for name, text in zip(sketches, row[2:wide], strict=True):
            figures.sketch(name, text)
    return found


def merged(table: Table) -> dict[str, Figures]:
    """All steps as one, by label."""
    return {label: all_of(steps.values()) for label, steps in table.items()}


def all_of(many: Iterable[Figures]) -> Figures:
    found = Figures()
    for figures in many:
        found.add(figures)
    return found


def summed(table: Table) -> dict[int, Figures]:
    """All labels as one."""
    found: dict[int, Figures] = {}
    for steps in table.values():
        for step, figures in steps.items():
            found.setdefault(step, Figures()).add(figures)
    return found
