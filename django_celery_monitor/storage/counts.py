"""What a batch changes in the counts, and adding that to the stored ones.

Runs under the writer lock, so reading a count, adding and writing it back loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from django_celery_monitor.models import TaskCount, TaskStats
from django_celery_monitor.state.contributions import Cohort, Flow, cohort, flows, flows_between
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.storage import flows as stats
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.flows import PERIODS, Sums
from django_celery_monitor.storage.rows import moment

_NAME, _WORKER, _QUEUE = TaskStats.Grain.values
_COUNT_KEY: Final = ("minute", "name", "state")


class Tally:
    """Signed contributions of a batch: what its tasks add now, less what they added before."""

    def __init__(self) -> None:
        # By minute, name, worker and queue; added up by each of the three when the batch is done.
        self._flows: dict[tuple[Any, ...], Sums] = {}
        self._cohorts: dict[Cohort, int] = {}

    def add(self, facts: Facts, sign: int) -> None:
        """Count a task in (``sign`` 1) or out (-1)."""
        self.add_flows(facts, sign)
        now = cohort(facts)
        self._cohorts[now] = self._cohorts.get(now, 0) + sign

    def move(self, old: Facts, facts: Facts) -> None:
        """Count a task out as it was and in as it is."""
        before = cohort(old)
        if old.name == facts.name and old.time == facts.time:
            now = Cohort(before.minute, facts.name, facts.state)
        else:
            now = cohort(facts)
        if now != before:
            self._cohorts[before] = self._cohorts.get(before, 0) - 1
            self._cohorts[now] = self._cohorts.get(now, 0) + 1
        gone, come = flows_between(old, facts)
        self._add(gone, -1)
        self._add(come, 1)

    def add_flows(self, facts: Facts, sign: int) -> None:
        self._add(flows(facts), sign)

    def _add(self, found: list[Flow], sign: int) -> None:
        for flow in found:
            place = flow[:4]
            sums = self._flows.get(place)
            if sums is None:
                sums = self._flows[place] = Sums()
            sums.count(flow, sign)

    def save(self, using: str) -> None:
        stats.add(self.by_row(), using)
        add_cohorts({key: change for key, change in self._cohorts.items() if change}, using)

    def by_row(self) -> dict[stats.Key, Sums]:
        """The flows added up for each row of ``TaskStats``."""
        minutes: dict[tuple[str, int, str], Sums] = {}
        for (minute, *labels), sums in self._flows.items():
            for grain, label in zip((_NAME, _WORKER, _QUEUE), labels, strict=True):
                minutes.setdefault((grain, minute, label), Sums()).add(sums)
        changes: dict[stats.Key, Sums] = {}
        for (grain, minute, label), sums in minutes.items():
            # A later event of a task that was counted before often changes nothing here.
            if sums.are_zero():
                continue
            for period, seconds in PERIODS.items():
                key = (period, grain, minute // seconds * seconds, label)
                known = changes.get(key)
                # Mostly one minute: then its hour and day share its sums, which nobody changes.
                changes[key] = sums if known is None else known.plus(sums)
        return changes


def lower(cohorts: Iterable[Cohort], using: str) -> None:
    """Count tasks out that were deleted."""
    add_cohorts({key: -number for key, number in Counter(cohorts).items()}, using)


def add_cohorts(changes: Mapping[Cohort, int], using: str) -> None:
    """Add to the stored counts; those that become zero go."""
    if not changes:
        return
    minutes = [moment(each) for each in {key.minute for key in changes}]
    found = TaskCount.objects.using(using).filter(minute__in=minutes)
    stored = _read(found)
    rows: list[tuple[Any, ...]] = []
    emptied = False
    for key, change in sorted(changes.items()):
        count = stored.get(key, 0) + change
        emptied = emptied or not count
        rows.append((moment(key.minute), key.name, key.state, count))
    upsert(TaskCount, (*_COUNT_KEY, "count"), _COUNT_KEY, rows, using)
    if emptied:
        found.filter(count=0).delete()


def cohorts_between(first: int, before: int, using: str) -> dict[Cohort, int]:
    """The stored counts of the minutes from ``first`` up to, but not with, ``before``."""
    rows = TaskCount.objects.using(using)
    return _read(rows.filter(minute__gte=moment(first), minute__lt=moment(before)))


def _read(rows: QuerySet[TaskCount]) -> dict[Cohort, int]:
    return {
        Cohort(int(minute.timestamp()), name, state): count
        for minute, name, state, count in rows.values_list(*_COUNT_KEY, "count")
    }
