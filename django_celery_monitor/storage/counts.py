"""What a batch changes in the counts, and adding that to the stored ones.

Runs under the writer lock, so reading a count, adding and writing it back loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import orjson
from django.db.models import QuerySet

from django_celery_monitor.models import TaskCount, TaskStats
from django_celery_monitor.state.contributions import COUNTED, Cohort, Flow, cohort, flows
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.state.sketch import bin_of
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.rows import moment

# Period to its seconds; every flow counts in all of them.
PERIODS: Final = {
    TaskStats.Period.MINUTE.value: 60,
    TaskStats.Period.HOUR.value: 3600,
    TaskStats.Period.DAY.value: 86_400,
}
_NAME, _WORKER, _QUEUE = TaskStats.Grain.values
_STATS_KEY: Final = ("period", "grain", "start", "label")
_STATS_SUMS: Final = (*COUNTED, "runtime_us", "wait_us")
_STATS_BINS: Final = ("runtime_bins", "wait_bins")
_COUNT_KEY: Final = ("minute", "name", "state")

# A sketch under the names its bins have in JSON: a batch touches few of the bins it loads.
_Bins = dict[str, int]
# The columns of `_STATS_KEY`, with the start in seconds.
_Key = tuple[str, str, int, str]


class _Sums:
    """What flows add to a row of ``TaskStats``, or what the row holds."""

    __slots__ = ("runtime_bins", "totals", "wait_bins")

    def __init__(self) -> None:
        self.totals = dict.fromkeys(_STATS_SUMS, 0)
        self.runtime_bins: _Bins = {}
        self.wait_bins: _Bins = {}

    def count(self, flow: Flow, sign: int, runtime_bin: _Bins, wait_bin: _Bins) -> None:
        self.totals[flow.kind] += sign
        if flow.runtime is not None:
            self.totals["runtime_us"] += sign * flow.runtime
            _add_bins(self.runtime_bins, runtime_bin)
        if flow.wait is not None:
            self.totals["wait_us"] += sign * flow.wait
            _add_bins(self.wait_bins, wait_bin)

    def add(self, other: _Sums) -> None:
        for field, change in other.totals.items():
            self.totals[field] += change
        _add_bins(self.runtime_bins, other.runtime_bins)
        _add_bins(self.wait_bins, other.wait_bins)

    def plus(self, other: _Sums) -> _Sums:
        total = _Sums()
        total.add(self)
        total.add(other)
        return total

    def are_zero(self) -> bool:
        return not (any(self.totals.values()) or self.runtime_bins or self.wait_bins)


class Tally:
    """Signed contributions of a batch: what its tasks add now, less what they added before."""

    def __init__(self) -> None:
        # By grain, minute and label.
        self._flows: dict[tuple[str, int, str], _Sums] = {}
        self._cohorts: dict[Cohort, int] = {}

    def add(self, facts: Facts, sign: int) -> None:
        """Count a task in (``sign`` 1) or out (-1)."""
        for flow in flows(facts):
            runtime_bin, wait_bin = _bin(flow.runtime, sign), _bin(flow.wait, sign)
            minute = flow.minute
            for key in (
                (_NAME, minute, flow.name),
                (_WORKER, minute, flow.worker),
                (_QUEUE, minute, flow.queue),
            ):
                sums = self._flows.get(key)
                if sums is None:
                    sums = self._flows[key] = _Sums()
                sums.count(flow, sign, runtime_bin, wait_bin)
        now = cohort(facts)
        self._cohorts[now] = self._cohorts.get(now, 0) + sign

    def save(self, using: str) -> None:
        self._save_flows(using)
        _add_cohorts({key: change for key, change in self._cohorts.items() if change}, using)

    def _save_flows(self, using: str) -> None:
        changes = self._by_row()
        if not changes:
            return
        stored = _stored_stats({key[2] for key in changes}, using)
        rows = []
        emptied = set()
        for key, change in sorted(changes.items()):
            sums = stored.get(key)
            if sums is None:
                sums = change
            else:
                sums.add(change)
            rows.append((*key[:2], moment(key[2]), key[3], *_stats_row(sums)))
            if sums.are_zero():
                emptied.add(key[2])
        upsert(TaskStats, (*_STATS_KEY, *_STATS_SUMS, *_STATS_BINS), _STATS_KEY, rows, using)
        if emptied:
            # A name that was learnt late leaves nothing under the empty one.
            _stats_at(emptied, using).filter(**dict.fromkeys(COUNTED, 0)).delete()

    def _by_row(self) -> dict[_Key, _Sums]:
        """The flows added up for each row of ``TaskStats``."""
        changes: dict[_Key, _Sums] = {}
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
    _add_cohorts({key: -number for key, number in Counter(cohorts).items()}, using)


def _add_cohorts(changes: dict[Cohort, int], using: str) -> None:
    if not changes:
        return
    minutes = {key.minute for key in changes}
    stored = _stored_counts(minutes, using)
    rows: list[tuple[Any, ...]] = []
    emptied = False
    for key, change in sorted(changes.items()):
        count = stored.get(key, 0) + change
        emptied = emptied or not count
        rows.append((moment(key.minute), key.name, key.state, count))
    upsert(TaskCount, (*_COUNT_KEY, "count"), _COUNT_KEY, rows, using)
    if emptied:
        TaskCount.objects.using(using).filter(minute__in=_moments(minutes), count=0).delete()


def _bin(microseconds: int | None, sign: int) -> _Bins:
    return {} if microseconds is None else {str(bin_of(microseconds)): sign}


def _add_bins(bins: _Bins, more: _Bins) -> None:
    for index, count in more.items():
        total = bins.get(index, 0) + count
        if total:
            bins[index] = total
        else:
            bins.pop(index, None)


def _moments(seconds: Iterable[int]) -> list[Any]:
    return [moment(each) for each in seconds]


def _stats_row(sums: _Sums) -> Iterable[Any]:
    yield from sums.totals.values()
    yield orjson.dumps(sums.runtime_bins).decode()
    yield orjson.dumps(sums.wait_bins).decode()


def _stats_at(starts: Iterable[int], using: str) -> QuerySet[TaskStats]:
    return TaskStats.objects.using(using).filter(
        # All of them; but the index that has the times begins with these columns.
        period__in=PERIODS,
        grain__in=TaskStats.Grain.values,
        start__in=_moments(starts),
    )


def _stored_stats(starts: set[int], using: str) -> dict[_Key, _Sums]:
    """Every row that begins at one of the times; a batch touches few."""
    rows = _stats_at(starts, using)
    found = {}
    for row in rows.values_list(*_STATS_KEY, *_STATS_SUMS, *_STATS_BINS).iterator():
        period, grain, start, label, *totals, runtime_bins, wait_bins = row
        sums = _Sums()
        sums.totals = dict(zip(_STATS_SUMS, totals, strict=True))
        sums.runtime_bins = orjson.loads(runtime_bins)
        sums.wait_bins = orjson.loads(wait_bins)
        found[period, grain, int(start.timestamp()), label] = sums
    return found


def _stored_counts(minutes: set[int], using: str) -> dict[Cohort, int]:
    rows = TaskCount.objects.using(using).filter(minute__in=_moments(minutes))
    return {
        Cohort(int(minute.timestamp()), name, state): count
        for minute, name, state, count in rows.values_list(*_COUNT_KEY, "count")
    }
