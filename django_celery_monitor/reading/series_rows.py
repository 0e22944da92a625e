"""Counts out of ``TaskStats``, added up by step and label; every query is bounded by its window."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import orjson
from django.db.models import F, QuerySet, Sum

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskStats
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.reading.series_window import DAY, Window
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.sketch import Bins

Grain = TaskStats.Grain
COUNTS: Final = ("succeeded", "retried", "failed", "rejected", "revoked", "runtime_us", "wait_us")
SKETCHES: Final = ("runtime_bins", "wait_bins")
TOP: Final = 7


class Figures:
    """What was counted in one step under one label."""

    __slots__ = ("counts", "runtime_bins", "wait_bins")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self.runtime_bins: Bins = {}
        self.wait_bins: Bins = {}

    def add(self, other: Figures) -> None:
        for name, count in other.counts.items():
            self.counts[name] += count
        _add(self.runtime_bins, other.runtime_bins)
        _add(self.wait_bins, other.wait_bins)

    def sum(self, columns: Iterable[str]) -> int:
        return sum(self.counts[name] for name in columns)

    def less(self, other: Figures | None) -> Figures:
        """What is left without ``other``; never below zero, though it was read a moment later."""
        found = Figures()
        found.add(self)
        if other:
            for name, count in other.counts.items():
                found.counts[name] = max(found.counts[name] - count, 0)
            for bins, fewer in (
                (found.runtime_bins, other.runtime_bins),
                (found.wait_bins, other.wait_bins),
            ):
                for index, count in fewer.items():
                    bins[index] = max(bins.get(index, 0) - count, 0)
        return found


# By label, by step.
Table = dict[str, dict[int, Figures]]


def total_grain(user: User) -> TaskStats.Grain:
    """The grain that sums up everything ``user`` may see, in as few rows as can be.

    Queues are few and hold what names hold, but a policy that narrows rows does so by name.
    """
    every = TaskStats.objects.all()
    return Grain.QUEUE if get_policy().visible(user, every) is every else Grain.NAME


def labels_at(user: User, grain: TaskStats.Grain, end: datetime) -> int:
    """How many labels a grain has lately: so many rows begin at each time, at most."""
    rows = _visible(user, grain).filter(period=TaskStats.Period.DAY)
    return rows.filter(start__gte=end - 2 * DAY, start__lt=end).values("label").distinct().count()


def read(
    user: User, window: Window, grain: TaskStats.Grain, labels: Iterable[str] | None = None
) -> Table:
    """Everything of a window under some labels, or under each."""
    chosen = None if labels is None else tuple(sorted(labels))
    key = f"series:{user.pk}:{window}:{grain}:{chosen}"
    found: Table
    found, _when = remembered(key, lambda: _read(_rows(user, window, grain, chosen), window))
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


def _read(rows: QuerySet[TaskStats], window: Window) -> Table:
    found: Table = {}
    columns = rows.order_by().values_list("start", "label", *SKETCHES, *COUNTS)
    for start, label, runtime_bins, wait_bins, *numbers in columns.iterator():
        figures = found.setdefault(label, {}).setdefault(window.place(start), Figures())
        for name, number in zip(COUNTS, numbers, strict=True):
            figures.counts[name] += number
        _add(figures.runtime_bins, _bins(runtime_bins))
        _add(figures.wait_bins, _bins(wait_bins))
    return found


def _bins(text: str) -> Bins:
    return {int(index): count for index, count in orjson.loads(text).items()}


def _add(bins: Bins, more: Bins) -> None:
    for index, count in more.items():
        bins[index] = bins.get(index, 0) + count


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
