"""Counts the tasks anew from their rows, and finds where the stored counts say otherwise.

Tasks are read in the order of their earliest event. Nothing happened to a task before that, so once
a time is passed, the counts before it are complete and can be compared and forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from django_celery_monitor.models import Installation, Task
from django_celery_monitor.state.contributions import Cohort, minute_of
from django_celery_monitor.storage import cohorts, counts, flows, lock
from django_celery_monitor.storage.flows import PERIODS, Sums
from django_celery_monitor.storage.rows import facts_of
from django_celery_monitor.storage.snapshot import snapshot
from django_celery_monitor.storage.task_events import SHARED
from django_celery_monitor.upkeep.retention import KEEP_STATS

_BATCH: Final = 1000
_COLUMNS: Final = ("id", "time", "state", "updated_at", "events", *SHARED)
# Seconds; later than any event.
_END: Final = 2**33


class Difference(NamedTuple):
    """A row of ``TaskCount`` or ``TaskStats``: of the columns that are wrong, is and should be."""

    key: cohorts.Key | flows.Key
    stored: dict[str, Any]
    counted: dict[str, Any]


def differences(using: str, now: datetime | None = None) -> list[Difference]:
    """Where the stored counts differ from the tasks, as of one moment; nobody waits meanwhile.

    ``TaskStats`` is compared where it can be: not in periods from which retention deleted tasks,
    nor in those that are past their own retention at ``now``.
    """
    with snapshot(using):
        return list(_Recount(now or timezone.now(), using).run())


def fix(found: Iterable[Difference], using: str) -> None:
    """Add what is missing to the stored counts, and take away what is too much.

    Right also when batches were stored since, because they only add, too. Each step is a short
    transaction under the writer lock.
    """
    for _start, group in groupby(sorted(found, key=_start_of), key=_start_of):
        sums: dict[flows.Key, Sums] = {}
        changes: dict[cohorts.Key, int] = {}
        for key, stored, counted in group:
            if isinstance(key, cohorts.Key):
                changes[key] = counted["count"] - stored["count"]
            else:
                sums[key] = _correction(stored, counted)
        with transaction.atomic(using=using):
            lock.acquire(using)
            flows.add(sums, using)
            cohorts.add_rows(changes, using)


class _Recount:
    """One walk through all tasks."""

    def __init__(self, now: datetime, using: str) -> None:
        self._using = using
        # The counts of times passed and not compared yet.
        self._flows: dict[flows.Key, Sums] = {}
        self._cohorts: Counter[cohorts.Key] = Counter()
        # Up to when they were compared, in seconds.
        self._flows_done = _first_starts(now, using)
        self._cohorts_done = dict.fromkeys(cohorts.LENGTHS, 0)

    def run(self) -> Iterator[Difference]:
        for tasks in _batches(self._using):
            self._count(tasks)
            yield from self._compare(minute_of(tasks[-1].time.timestamp()))
        yield from self._compare(_END)

    def _count(self, tasks: list[Task]) -> None:
        tally = counts.Tally()
        first = min(self._flows_done.values())
        for task in tasks:
            minute = minute_of(task.time.timestamp())
            self._cohorts.update(cohorts.keys(Cohort(minute, task.name, task.state)))
            if task.updated_at.timestamp() >= first:
                tally.add_flows(facts_of(task))
        for key, sums in tally.by_row().items():
            if key[2] >= self._flows_done[key[0]]:
                known = self._flows.get(key)
                self._flows[key] = sums if known is None else known.plus(sums)

    def _compare(self, reached: int) -> Iterator[Difference]:
        for period, seconds in PERIODS.items():
            before = reached // seconds * seconds
            if self._flows_done[period] < before:
                yield from self._compare_flows(period, before)
        for period, seconds in cohorts.LENGTHS.items():
            before = reached // seconds * seconds
            if self._cohorts_done[period] < before:
                yield from self._compare_cohorts(period, before)

    def _compare_flows(self, period: str, before: int) -> Iterator[Difference]:
        stored = flows.load_range(period, self._flows_done[period], before, self._using)
        passed = [key for key in self._flows if key[0] == period and key[2] < before]
        counted = flows.within_limit({key: self._flows.pop(key) for key in passed}, stored)
        for key in sorted(stored.keys() | counted.keys()):
            yield from _difference(
                key, _columns(stored.get(key, Sums())), _columns(counted.get(key, Sums()))
            )
        self._flows_done[period] = before

    def _compare_cohorts(self, period: str, before: int) -> Iterator[Difference]:
        stored = cohorts.between(period, self._cohorts_done[period], before, self._using)
        passed = [key for key in self._cohorts if key.period == period and key.start < before]
        counted = {key: self._cohorts.pop(key) for key in passed}
        for key in sorted(stored.keys() | counted.keys()):
            yield from _difference(
                key, {"count": stored.get(key, 0)}, {"count": counted.get(key, 0)}
            )
        self._cohorts_done[period] = before


def _first_starts(now: datetime, using: str) -> dict[str, int]:
    """By period, the first start from which all tasks and the counts themselves are still kept."""
    pruned = Installation.objects.using(using).values_list("pruned_before", flat=True).first()
    found = {}
    for period, age in KEEP_STATS.items():
        seconds = PERIODS[period.value]
        # Retention's own limit may lie within a period, which is then gone.
        kept = -int(-(now - age).timestamp() // seconds) * seconds
        whole = (int(pruned.timestamp()) // seconds + 1) * seconds if pruned else 0
        found[period.value] = max(kept, whole, 0)
    return found


def _batches(using: str) -> Iterator[list[Task]]:
    """All tasks in the order of their index by time."""
    rows = Task.objects.using(using).only(*_COLUMNS).order_by("time", "id")
    tasks = list(rows[:_BATCH])
    while tasks:
        yield tasks
        last = tasks[-1]
        after = Q(time__gt=last.time) | Q(time=last.time, id__gt=last.pk)
        tasks = list(rows.filter(after, time__gte=last.time)[:_BATCH])


def _difference(
    key: cohorts.Key | flows.Key, stored: dict[str, Any], counted: dict[str, Any]
) -> Iterator[Difference]:
    wrong = [column for column in stored if stored[column] != counted[column]]
    if wrong:
        yield Difference(
            key, {each: stored[each] for each in wrong}, {each: counted[each] for each in wrong}
        )


def _columns(sums: Sums) -> dict[str, Any]:
    return sums.totals | {"runtime_bins": sums.runtime_bins, "wait_bins": sums.wait_bins}


def _correction(stored: dict[str, Any], counted: dict[str, Any]) -> Sums:
    sums = Sums()
    for column, is_now in stored.items():
        should = counted[column]
        if isinstance(is_now, dict):
            bins = {each: should.get(each, 0) - is_now.get(each, 0) for each in is_now | should}
            setattr(sums, column, {each: change for each, change in bins.items() if change})
        else:
            sums.totals[column] = should - is_now
    return sums


def _start_of(difference: Difference) -> int:
    key = difference.key
    return key.start if isinstance(key, cohorts.Key) else key[2]
