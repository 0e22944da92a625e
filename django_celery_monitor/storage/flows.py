"""``TaskStats``: sums and sketches of what happened, and adding to the stored ones.

Runs under the writer lock, so reading a count, adding and writing it back loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from django.db.models import QuerySet

from django_celery_monitor.models import TaskStats
from django_celery_monitor.state.contributions import COUNTED, LONGEST, OTHER, Flow
from django_celery_monitor.state.sketch import bin_of
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.rows import moment

# Period to its seconds; every flow counts in all of them.
PERIODS: Final = {
    TaskStats.Period.MINUTE.value: 60,
    TaskStats.Period.HOUR.value: 3600,
    TaskStats.Period.DAY.value: 86_400,
}
# So many labels have a row of their own in a group, which is one grain of one period.
MOST_LABELS: Final = 500
_KEY: Final = ("period", "grain", "start", "label")
SUMS: Final = (*COUNTED, "runtime_us", "wait_us")
_BINS: Final = ("runtime_bins", "wait_bins")

_BIN_NAMES: Final = tuple(map(str, range(bin_of(LONGEST) + 1)))

# A sketch under the names its bins have in JSON: a batch touches few of the bins it loads.
Bins = dict[str, int]
# Period, grain, start in seconds, and label.
Key = tuple[str, str, int, str]


class Sums:
    """What flows add to a row of ``TaskStats``, or what the row holds."""

    __slots__ = ("runtime_bins", "totals", "wait_bins")

    def __init__(self) -> None:
        self.totals = dict.fromkeys(SUMS, 0)
        self.runtime_bins: Bins = {}
        self.wait_bins: Bins = {}

    def count(self, flow: Flow, sign: int) -> None:
        totals, runtime, wait = self.totals, flow.runtime, flow.wait
        totals[flow.kind] += sign
        if runtime is not None:
            totals["runtime_us"] += sign * runtime
            _add_to_bin(self.runtime_bins, _BIN_NAMES[bin_of(runtime)], sign)
        if wait is not None:
            totals["wait_us"] += sign * wait
            _add_to_bin(self.wait_bins, _BIN_NAMES[bin_of(wait)], sign)

    def add(self, other: Sums) -> None:
        totals = self.totals
        for field, change in other.totals.items():
            if change:
                totals[field] += change
        _add_bins(self.runtime_bins, other.runtime_bins)
        _add_bins(self.wait_bins, other.wait_bins)

    def plus(self, other: Sums) -> Sums:
        total = Sums()
        total.add(self)
        total.add(other)
        return total

    def are_zero(self) -> bool:
        return not (any(self.totals.values()) or self.runtime_bins or self.wait_bins)


class Latest:
    """The stored rows of the times that the last batch counted in: the next needs not read them.

    Only for one who knows that nobody else has written since, and then ``clear`` if in doubt.
    """

    def __init__(self) -> None:
        self._rows: dict[Key, Sums] = {}
        self._starts: set[int] = set()

    def at(self, starts: set[int], using: str) -> dict[Key, Sums]:
        """Every row that begins at one of ``starts``; to be changed together with the table."""
        if not self._starts <= starts:
            self._rows = {key: sums for key, sums in self._rows.items() if key[2] in starts}
        if missing := starts - self._starts:
            self._rows |= load(missing, using)
        self._starts = starts
        return self._rows

    def clear(self) -> None:
        self._rows, self._starts = {}, set()


def add(changes: dict[Key, Sums], using: str, latest: Latest | None = None) -> None:
    """Add to the stored rows; those that become zero go."""
    if not changes:
        return
    latest = latest or Latest()
    stored = latest.at({key[2] for key in changes}, using)
    rows = []
    emptied = set()
    for key, change in sorted(within_limit(changes, stored).items()):
        sums = stored.get(key)
        if sums is None:
            # A copy: what follows adds to it, and ``change`` may stand under several keys.
            sums = stored[key] = Sums().plus(change)
        else:
            sums.add(change)
        rows.append((*key[:2], moment(key[2]), key[3], *_row(sums)))
        if sums.are_zero():
            emptied.add(key[2])
    upsert(TaskStats, (*_KEY, *SUMS, *_BINS), _KEY, rows, using)
    if emptied:
        # A name that was learnt late leaves nothing under the empty one.
        _delete_zeros(emptied, stored, using)
        latest.clear()


def within_limit(changes: dict[Key, Sums], stored: Mapping[Key, Sums]) -> dict[Key, Sums]:
    """The changes, with labels that a full group has no room for under ``OTHER``.

    A group that has such a row takes up no label any more and loses none. So what a label adds is
    in one row only, and can be taken out of it again.
    """
    sizes = Counter(key[:3] for key in stored)
    sizes.update(key[:3] for key in changes if key not in stored)
    if max(sizes.values(), default=0) <= MOST_LABELS and not any(key[3] == OTHER for key in stored):
        return changes
    room = {group: MOST_LABELS for group in sizes if (*group, OTHER) not in stored}
    for key in stored:
        if key[:3] in room:
            room[key[:3]] -= 1
    found: dict[Key, Sums] = {}
    for key, change in sorted(changes.items()):
        place = key
        if key not in stored:
            place = key if room.get(key[:3], 0) > 0 else (*key[:3], OTHER)
            room[key[:3]] = room.get(key[:3], 0) - 1
        known = found.get(place)
        found[place] = change if known is None else known.plus(change)
    return found


def load(starts: Iterable[int], using: str) -> dict[Key, Sums]:
    """Every row that begins at one of the times; a batch touches few."""
    return _read(_at(starts, using))


def load_range(period: str, first: int, before: int, using: str) -> dict[Key, Sums]:
    """The rows of a period that begin at ``first`` or later, but not at ``before`` or later."""
    rows = TaskStats.objects.using(using).filter(period=period, grain__in=TaskStats.Grain.values)
    return _read(rows.filter(start__gte=moment(first), start__lt=moment(before)))


def _read(rows: QuerySet[TaskStats]) -> dict[Key, Sums]:
    found = {}
    for row in rows.values_list(*_KEY, *SUMS, *_BINS).iterator():
        period, grain, start, label, *totals, runtime_bins, wait_bins = row
        sums = Sums()
        sums.totals = dict(zip(SUMS, totals, strict=True))
        sums.runtime_bins = orjson.loads(runtime_bins)
        sums.wait_bins = orjson.loads(wait_bins)
        found[period, grain, int(start.timestamp()), label] = sums
    return found


def _at(starts: Iterable[int], using: str) -> QuerySet[TaskStats]:
    return TaskStats.objects.using(using).filter(
        # All of them; but the index that has the times begins with these columns.
        period__in=PERIODS,
        grain__in=TaskStats.Grain.values,
        start__in=[moment(start) for start in starts],
    )


def _delete_zeros(starts: set[int], rows: Mapping[Key, Sums], using: str) -> None:
    zeros = _at(starts, using).filter(**dict.fromkeys(COUNTED, 0))
    for key, sums in rows.items():
        if key[3] == OTHER and not sums.are_zero():
            period, grain, start, _label = key
            zeros = zeros.exclude(period=period, grain=grain, start=moment(start))
    zeros.delete()


def _row(sums: Sums) -> Iterable[Any]:
    yield from sums.totals.values()
    yield orjson.dumps(sums.runtime_bins).decode()
    yield orjson.dumps(sums.wait_bins).decode()


def _add_bins(bins: Bins, more: Bins) -> None:
    for index, count in more.items():
        _add_to_bin(bins, index, count)


def _add_to_bin(bins: Bins, index: str, count: int) -> None:
    total = bins.get(index, 0) + count
    if total:
        bins[index] = total
    else:
        bins.pop(index, None)
