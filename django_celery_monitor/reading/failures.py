"""Failures counted by task and by kind, over the last hour up to the last 30 days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Min, Q, QuerySet

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskError
from django_celery_monitor.reading.remember import remembered

# As the filter ``failed`` spells them; the oldest first.
COLUMNS: Final = {
    "30d": timedelta(days=30),
    "7d": timedelta(days=7),
    "3d": timedelta(days=3),
    "24h": timedelta(days=1),
    "3h": timedelta(hours=3),
    "1h": timedelta(hours=1),
}
# Counted in each of the two halves, the newest.
MOST: Final = 100_000
NEW_FOR: Final = timedelta(days=1)
# What is older than a day is counted anew so often; it hardly changes.
_EVERY: Final = timedelta(minutes=5)
# Task name and fingerprint.
Key = tuple[str, str]


@dataclass(slots=True)
class Cells:
    """Failures in each of ``COLUMNS``, the first of them and the last."""

    counts: list[int]
    first: datetime
    last: datetime

    def add(self, other: Cells) -> None:
        self.counts = [one + two for one, two in zip(self.counts, other.counts, strict=True)]
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """``counted_since``: older failures were not counted; ``None`` when all of 30 days were."""

    cells: dict[Key, Cells]
    counted_since: datetime | None
    counted_at: datetime

    def by_task(self) -> dict[str, Cells]:
        return self._added(lambda key: key[0])

    def by_kind(self) -> dict[str, Cells]:
        return self._added(lambda key: key[1])

    def names(self) -> dict[str, list[str]]:
        """By fingerprint, the tasks that fail so; those with most failures first."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, kind in sorted(self.cells, key=lambda key: -self.cells[key].counts[0]):
            found[kind].append(name)
        return found

    def _added(self, part: Callable[[Key], str]) -> dict[str, Cells]:
        found: dict[str, Cells] = {}
        for key, cells in self.cells.items():
            known = found.setdefault(part(key), Cells([0] * len(COLUMNS), cells.first, cells.last))
            known.add(cells)
        return found


def failures(user: User, now: datetime) -> Failures:
    """Two halves, of which the older and larger one is counted every few minutes only."""
    floored = now - timedelta(seconds=now.timestamp() % _EVERY.total_seconds())
    border = floored - COLUMNS["24h"]
    key = f"failures:{user.pk}:{border}"

    def old() -> tuple[dict[Key, Cells], datetime | None]:
        return _counted(user, floored, floored - COLUMNS["30d"], border)

    (older, floor), _when = remembered(f"{key}:old", old, seconds=_EVERY.total_seconds())
    (cells, recent_floor), counted_at = remembered(key, lambda: _counted(user, now, border))
    for each, found in older.items():
        if each in cells:
            cells[each].add(found)
        else:
            cells[each] = found
    return Failures(cells=cells, counted_since=recent_floor or floor, counted_at=counted_at)


def of_task(user: User, name: str, since: datetime) -> list[tuple[str, int, datetime]]:
    """The kinds of failure of a task: fingerprint, how many, the last; most frequent first."""
    rows = failures_of(user).filter(time__gte=since, name=name)
    counted = rows.values_list("fingerprint").annotate(number=Count("*"), last=Max("time"))
    return list(counted.order_by("-number", "fingerprint")[:8])


def samples(user: User, wanted: Iterable[tuple[str, datetime]]) -> dict[str, TaskError]:
    """The failure of each fingerprint that happened at that time."""
    condition = Q()
    for kind, time in wanted:
        condition |= Q(fingerprint=kind, time=time)
    if not condition:
        return {}
    return {error.fingerprint: error for error in failures_of(user).filter(condition)}


def failures_of(user: User) -> QuerySet[TaskError]:
    """Those that ``user`` may see; neither retries nor what was told twice."""
    rows = TaskError.objects.filter(retry=False, duplicate=False)
    return get_policy().visible(user, rows).order_by()


def _counted(
    user: User, now: datetime, since: datetime, before: datetime | None = None
) -> tuple[dict[Key, Cells], datetime | None]:
    """The failures of a time by key, and from when on, if there were too many."""
    rows = failures_of(user).filter(time__gte=since)
    if before:
        rows = rows.filter(time__lt=before)
    newest = rows.order_by("-time").values_list("time", flat=True)
    floor = newest[MOST : MOST + 1].first()
    if floor:
        rows = rows.filter(time__gte=floor)
    windows = {
        f"n{column}": Count("time", filter=Q(time__gte=now - length))
        for column, length in COLUMNS.items()
    }
    counted = rows.values_list("name", "fingerprint").annotate(
        first=Min("time"), last=Max("time"), **windows
    )
    return {
        (name, kind): Cells(list(counts), first, last)
        for name, kind, first, last, *counts in counted
    }, floor
