"""``TaskCount``: how many tasks are in which state, and adding to the stored numbers.

Runs under the writer lock, so that what becomes zero may go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet

from django_celery_monitor.models import TaskCount
from django_celery_monitor.state.contributions import Cohort
from django_celery_monitor.storage.adding import add as add_numbers
from django_celery_monitor.storage.rows import moment

# Period to its seconds; a task counts in all of them, so that no sum needs more than a few rows.
LENGTHS: Final = {
    TaskCount.Period.MINUTE.value: 60,
    TaskCount.Period.HOUR.value: 3_600,
    TaskCount.Period.DAY.value: 86_400,
    # Longer than time as we store it: all tasks are in the one that starts at 0.
    TaskCount.Period.EVER.value: 2**33,
}
_KEY: Final = ("period", "start", "name", "state")


class Key(NamedTuple):
    """A row; ``start`` in seconds since the epoch."""

    period: str
    start: int
    name: str
    state: str


def keys(cohort: Cohort) -> Iterator[Key]:
    """The rows that a task of ``cohort`` counts in."""
    for period, seconds in LENGTHS.items():
        yield Key(period, cohort.minute // seconds * seconds, cohort.name, cohort.state)


def add(changes: Mapping[Cohort, int], using: str) -> None:
    sums: dict[Key, int] = {}
    for cohort, change in changes.items():
        for key in keys(cohort) if change else ():
            sums[key] = sums.get(key, 0) + change
    add_rows(sums, using)


def lower(cohorts: Iterable[Cohort], using: str) -> None:
    """Count tasks out that were deleted."""
    add({key: -number for key, number in Counter(cohorts).items()}, using)


def add_rows(changes: Mapping[Key, int], using: str) -> None:
    """Add to the stored counts; those that become zero go."""
    found = sorted((key, change) for key, change in changes.items() if change)
    rows: list[tuple[Any, ...]] = [
        (key.period, moment(key.start), key.name, key.state, change) for key, change in found
    ]
    add_numbers(TaskCount, _KEY, ("count",), rows, using)
    lowered = {key[:2] for key, change in found if change < 0}
    if lowered:
        periods, starts = zip(*sorted(lowered), strict=True)
        emptied = TaskCount.objects.using(using).filter(
            period__in=set(periods), start__in=set(map(moment, starts)), count=0
        )
        emptied.delete()


def between(period: str, first: int, before: int, using: str) -> dict[Key, int]:
    """The rows of a period that start at ``first`` or later, but not at ``before`` or later."""
    rows = TaskCount.objects.using(using).filter(period=period)
    return _read(rows.filter(start__gte=moment(first), start__lt=moment(before)))


def _read(rows: QuerySet[TaskCount]) -> dict[Key, int]:
    return {
        Key(period, int(start.timestamp()), name, state): count
        for period, start, name, state, count in rows.values_list(*_KEY, "count").iterator()
    }
