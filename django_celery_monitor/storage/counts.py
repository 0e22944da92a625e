"""What a batch changes in the counts, and adding that to the stored ones.

Runs under the writer lock, so reading a count, adding and writing it back loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from django_celery_monitor.models import TaskCount, TaskStats
from django_celery_monitor.state.contributions import COUNTED, Cohort, cohort, flows
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.state.sketch import Bins, bin_of
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.rows import moment

# Period to its seconds; every flow counts in all of them.
PERIODS: Final = {
    TaskStats.Period.MINUTE: 60,
    TaskStats.Period.HOUR: 3600,
    TaskStats.Period.DAY: 86_400,
}
_STATS_KEY: Final = ("period", "grain", "start", "label")
_STATS_SUMS: Final = (*COUNTED, "runtime_us", "wait_us")
_STATS_BINS: Final = ("runtime_bins", "wait_bins")
_COUNT_KEY: Final = ("minute", "name", "state")


class _Amount:
    """A sum of contributions of one kind."""

    __slots__ = ("count", "runtime", "runtime_bins", "wait", "wait_bins")

    def __init__(self) -> None:
        self.count = self.runtime = self.wait = 0
        self.runtime_bins: Bins = {}
        self.wait_bins: Bins = {}

    def add(self, other: _Amount) -> None:
        self.count += other.count
        self.runtime += other.runtime
        self.wait += other.wait
        _add_bins(self.runtime_bins, other.runtime_bins)
        _add_bins(self.wait_bins, other.wait_bins)


class Tally:
    """Signed contributions of a batch: what its tasks add now, less what they added before."""

    def __init__(self) -> None:
        # By (minute, name, worker, queue, kind).
        self._flows: dict[tuple[int, str, str, str, str], _Amount] = {}
        self._cohorts: dict[Cohort, int] = {}

    def add(self, facts: Facts, sign: int) -> None:
        """Count a task in (``sign`` 1) or out (-1)."""
        for flow in flows(facts):
            amount = self._flows.get(flow[:5])
            if amount is None:
                amount = self._flows[flow[:5]] = _Amount()
            amount.count += sign
            if flow.runtime is not None:
                amount.runtime += sign * flow.runtime
                _add_bins(amount.runtime_bins, {bin_of(flow.runtime): sign})
            if flow.wait is not None:
                amount.wait += sign * flow.wait
                _add_bins(amount.wait_bins, {bin_of(flow.wait): sign})
        key = cohort(facts)
        self._cohorts[key] = self._cohorts.get(key, 0) + sign

    def save(self, using: str) -> None:
        self._save_flows(using)
        self._save_cohorts(using)

    def _save_flows(self, using: str) -> None:
        changes = self._by_row()
        if not changes:
            return
        stored = _stored_stats({key[2] for key in changes}, using)
        rows = []
        for key, kinds in sorted(changes.items()):
            values = stored.get(key) or _empty_stats()
            for kind, amount in kinds.items():
                values[kind] += amount.count
                values["runtime_us"] += amount.runtime
                values["wait_us"] += amount.wait
                _add_bins(values["runtime_bins"], amount.runtime_bins)
                _add_bins(values["wait_bins"], amount.wait_bins)
            rows.append((*key[:2], moment(key[2]), key[3], *_stats_row(values)))
        upsert(TaskStats, (*_STATS_KEY, *_STATS_SUMS, *_STATS_BINS), _STATS_KEY, rows, using)

    def _by_row(self) -> dict[tuple[str, str, int, str], dict[str, _Amount]]:
        """The flows added up for each row of ``TaskStats``, by its key and kind."""
        changes: dict[tuple[str, str, int, str], dict[str, _Amount]] = {}
        for (minute, name, worker, queue, kind), amount in self._flows.items():
            for grain, label in zip(TaskStats.Grain.values, (name, worker, queue), strict=True):
                for period, seconds in PERIODS.items():
                    key = (period.value, grain, minute // seconds * seconds, label)
                    kinds = changes.setdefault(key, {})
                    if kind not in kinds:
                        kinds[kind] = _Amount()
                    kinds[kind].add(amount)
        return changes

    def _save_cohorts(self, using: str) -> None:
        changes = {key: change for key, change in self._cohorts.items() if change}
        if not changes:
            return
        stored = _stored_counts({key.minute for key in changes}, using)
        rows: list[tuple[Any, ...]] = []
        gone: list[tuple[Any, ...]] = []
        for key, change in sorted(changes.items()):
            count = stored.get(key, 0) + change
            (rows if count else gone).append((moment(key.minute), key.name, key.state, count))
        upsert(TaskCount, (*_COUNT_KEY, "count"), _COUNT_KEY, rows, using)
        for minute, name, state, _zero in gone:
            TaskCount.objects.using(using).filter(minute=minute, name=name, state=state).delete()


def _add_bins(bins: Bins, more: Bins) -> None:
    for index, count in more.items():
        total = bins.get(index, 0) + count
        if total:
            bins[index] = total
        else:
            bins.pop(index, None)


def _empty_stats() -> dict[str, Any]:
    return dict.fromkeys(_STATS_SUMS, 0) | {field: {} for field in _STATS_BINS}


def _stats_row(values: dict[str, Any]) -> Iterable[Any]:
    yield from (values[field] for field in _STATS_SUMS)
    for field in _STATS_BINS:
        yield orjson.dumps(values[field], option=orjson.OPT_NON_STR_KEYS).decode()


def _stored_stats(starts: set[int], using: str) -> dict[tuple[str, str, int, str], dict[str, Any]]:
    """Every row that begins at one of the times; a batch touches few."""
    rows = TaskStats.objects.using(using).filter(start__in=[moment(each) for each in starts])
    found = {}
    for row in rows.values(*_STATS_KEY, *_STATS_SUMS, *_STATS_BINS).iterator():
        key = (row["period"], row["grain"], int(row["start"].timestamp()), row["label"])
        for field in _STATS_BINS:
            row[field] = {int(index): count for index, count in orjson.loads(row[field]).items()}
        found[key] = row
    return found


def _stored_counts(minutes: set[int], using: str) -> dict[Cohort, int]:
    rows = TaskCount.objects.using(using).filter(minute__in=[moment(each) for each in minutes])
    return {
        Cohort(int(minute.timestamp()), name, state): count
        for minute, name, state, count in rows.values_list(*_COUNT_KEY, "count")
    }
