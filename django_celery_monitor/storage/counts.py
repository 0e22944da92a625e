"""What a batch changes in the counts, and adding that to the stored ones.

Runs under the writer lock, so reading a count, adding and writing it back loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from django_celery_monitor.models import TaskCount, TaskStats
from django_celery_monitor.state.contributions import Cohort, Flow, cohort, flows, merely_began
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.state.sketch import bin_of
from django_celery_monitor.storage import flows as stats
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.flows import PERIODS, Sums
from django_celery_monitor.storage.rows import moment

_NAME, _WORKER, _QUEUE = TaskStats.Grain.values
_COUNT_KEY: Final = ("minute", "name", "state")


class Tally:
    """Signed contributions of a batch: what its tasks add now, less what they added before."""

    def __init__(self) -> None:
        # By grain, minute and label.
        self._flows: dict[tuple[str, int, str], Sums] = {}
        # The same by minute, name, worker and queue, so that one look finds all three.
        self._places: dict[tuple[Any, ...], tuple[Sums, ...]] = {}
        self._cohorts: dict[Cohort, int] = {}

    def add(self, facts: Facts, sign: int) -> None:
        """Count a task in (``sign`` 1) or out (-1)."""
        self.add_flows(facts, sign)
        now = cohort(facts)
        self._cohorts[now] = self._cohorts.get(now, 0) + sign

    def move(self, old: Facts, facts: Facts) -> None:
        """Count a task out as it was and in as it is; most of that is the same."""
        if old.state != facts.state or old.name != facts.name or old.time != facts.time:
            before, now = cohort(old), cohort(facts)
            self._cohorts[before] = self._cohorts.get(before, 0) - 1
            self._cohorts[now] = self._cohorts.get(now, 0) + 1
        if merely_began(old, facts):
            return
        gone = flows(old)
        come = []
        for flow in flows(facts):
            if flow in gone:
                gone.remove(flow)
            else:
                come.append(flow)
        self._add(gone, -1)
        self._add(come, 1)

    def add_flows(self, facts: Facts, sign: int) -> None:
        self._add(flows(facts), sign)

    def _add(self, found: list[Flow], sign: int) -> None:
        for flow in found:
            runtime_bin = None if flow.runtime is None else str(bin_of(flow.runtime))
            wait_bin = None if flow.wait is None else str(bin_of(flow.wait))
            for sums in self._places.get(flow[:4]) or self._place(flow):
                sums.count(flow, sign, runtime_bin, wait_bin)

    def _place(self, flow: Flow) -> tuple[Sums, ...]:
        """The sums that a flow counts in; most tasks of a batch share them with another."""
        labels = ((_NAME, flow.name), (_WORKER, flow.worker), (_QUEUE, flow.queue))
        keys = [(grain, flow.minute, label) for grain, label in labels]
        found = tuple([self._flows.setdefault(key, Sums()) for key in keys])
        self._places[flow[:4]] = found
        return found

    def save(self, using: str) -> None:
        stats.add(self.by_row(), using)
        add_cohorts({key: change for key, change in self._cohorts.items() if change}, using)

    def by_row(self) -> dict[stats.Key, Sums]:
        """The flows added up for each row of ``TaskStats``."""
        changes: dict[stats.Key, Sums] = {}
        for (grain, minute, label), sums in self._flows.items():
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
