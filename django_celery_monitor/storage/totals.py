"""``TaskTotals``: adding what a batch brings, and what keeps the table from growing for ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.models import TaskTotals, Worker
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.totals import (
    KINDS,
    NAME,
    WORKER,
    Key,
    Totals,
    count,
    count_more,
)
from django_celery_monitor.storage import lock
from django_celery_monitor.storage.adding import add

_KEY: Final = ("grain", "name", "label")
# Rows of a grain; what comes later counts as OTHER. Far above what people can look at, and low
# enough that names, hosts or exceptions made up anew for each task do no harm.
LIMITS: Final = {NAME: 500, WORKER: 20_000, "q": 2_000, "x": 5_000}
# By database, rows that are known to exist, so that the usual batch need not ask. A row that was
# rolled back or deleted since merely lets its grain grow past the limit by one.
_known: Final[dict[str, set[Key]]] = {}


class TotalsTally:
    """What the tasks of a batch add."""

    def __init__(self) -> None:
        self._totals: Totals = {}

    def add_new(self, events: list[TaskEvent], name: str, queue: str = "") -> None:
        """``queue``: that of earlier events, none of which is in ``events``."""
        count(events, name, self._totals, queue)

    def add(
        self, events: list[TaskEvent], name: str, before: list[TaskEvent], old_name: str
    ) -> None:
        """``before``: the task's events that were counted already."""
        count_more(events, name, before, old_name, self._totals)

    def save(self, using: str) -> None:
        found = {key: numbers for key, numbers in self._totals.items() if any(numbers)}
        if found:
            found = _within_limits(found, using)
            rows = [(*key, *numbers) for key, numbers in sorted(found.items())]
            add(TaskTotals, _KEY, KINDS, rows, using)


def forget_workers(before: datetime, using: str) -> None:
    """Drop the totals by worker of hosts of which nothing came since ``before``."""
    alive = Worker.objects.using(using).filter(arrived_at__gte=before).values("hostname")
    gone = TaskTotals.objects.using(using).filter(grain=WORKER).exclude(label=OTHER)
    gone = gone.exclude(label__in=alive)
    if gone.exists():
        # Under the lock: the batch that brings a worker back adds to its totals and its arrival.
        with transaction.atomic(using=using):
            lock.acquire(using)
            gone.delete()


def _include(more: Totals, totals: Totals) -> None:
    for key, numbers in more.items():
        known = totals.get(key)
        if known is None:
            totals[key] = numbers
        else:
            totals[key] = [one + other for one, other in zip(known, numbers, strict=True)]


def _within_limits(totals: Totals, using: str) -> Totals:
    known = _known.setdefault(using, set())
    new = [key for key in totals if key not in known]
    if not new:
        return totals
    if len(known) > sum(LIMITS.values()):
        known.clear()
    known.update(_stored(new, using))
    placed = _place([key for key in new if key not in known], using)
    known.update(key for key, place in placed.items() if key == place)
    if all(key == place for key, place in placed.items()):
        return totals
    found: Totals = {}
    for key, numbers in totals.items():
        _include({placed.get(key, key): numbers}, found)
    return found


def _stored(keys: Iterable[Key], using: str) -> set[Key]:
    rows = TaskTotals.objects.using(using).filter(
        name__in={key[1] for key in keys}, label__in={key[2] for key in keys}
    )
    return set(rows.values_list(*_KEY))


def _place(keys: list[Key], using: str) -> dict[Key, Key]:
    """Where keys count that have no row yet."""
    rows = TaskTotals.objects.using(using).values_list("grain").order_by()
    room = dict(LIMITS)
    for grain, number in rows.annotate(number=Count("pk")):
        room[grain] -= number
    placed: dict[Key, Key] = {}
    nameless = set()
    for grain, name, label in sorted(keys, key=lambda key: (key[0] != NAME, key)):
        if room[grain] > 0 and name not in nameless:
            room[grain] -= 1
            placed[grain, name, label] = grain, name, label
        elif grain == NAME:
            nameless.add(name)
            placed[grain, name, label] = grain, OTHER, ""
        else:
            place = OTHER if name in nameless else name
            placed[grain, name, label] = grain, place, OTHER
    return placed
