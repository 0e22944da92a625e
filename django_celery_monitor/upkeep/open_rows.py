"""The tasks that have not ended, round and round, each asked about more and more seldom."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Max, Q, QuerySet

from django_celery_monitor.models import Gap, Task
from django_celery_monitor.state.states import group

COLUMNS: Final = ("id", "worker", "state", "time", "updated_at", "eta")
# So many rows are looked at for each that may be asked about.
_WIDTH: Final = 10
_OPEN: Final = ("waiting", "running", "retrying")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# Celery has ten; an app may invent more.
_MOST_STATES: Final = 50
# Clocks of hosts differ by so much without anybody noticing.
TOLERANCE: Final = timedelta(seconds=60)


class OpenTask(NamedTuple):
    """A row as it was when it was read; what is found out counts only while it stays so."""

    id: str
    worker: str
    state: str
    time: datetime
    updated_at: datetime
    eta: datetime | None


class Pauses(NamedTuple):
    """A row that does not change is asked about at ``first`` seconds, at twice that, at four
    times that, and so on until the pause is ``longest``."""

    first: float
    longest: float

    def asked_by(self, age: float) -> int:
        """How often it is due until it is ``age`` seconds old."""
        if age < self.first:
            return 0
        doublings = math.floor(math.log2(max(self.longest / self.first, 1.0)))
        last = self.first * 2.0**doublings
        if age < last:
            return 1 + math.floor(math.log2(age / self.first))
        return 1 + doublings + math.floor((age - last) / self.longest)


class Walk:
    """Goes through the rows in one state, oldest first, and begins anew at the end.

    Where it stands is not stored: after a restart every row is due once.
    """

    def __init__(self, state: str, pauses: Pauses, using: str) -> None:
        self._state = state
        self._pauses = pauses
        self._using = using
        self._after: tuple[datetime, str] | None = None
        # When this round began, and the one before it.
        self._begun: datetime | None = None
        self._before: datetime | None = None
        # Rows that were open before this are due whatever their age.
        self._missed: datetime | None = None

    def again(self, missed: datetime) -> None:
        """Begin anew, with the rows that were open at ``missed``: their ends may be lost."""
        if self._missed is None:
            self._after = None
        self._missed = missed

    def step(self, now: datetime, limit: int) -> list[OpenTask]:
        """The next rows that are due, ``limit`` at most."""
        if self._after is None:
            self._before, self._begun = self._begun, now
        rows = [OpenTask(*row) for row in self._rows().values_list(*COLUMNS)[: _WIDTH * limit]]
        due: list[OpenTask] = []
        for row in rows:
            if self._is_due(row, now):
                due.append(row)
            self._after = row.time, row.id
            if len(due) == limit:
                return due
        if len(rows) < _WIDTH * limit:
            self._after = self._missed = None
        return due

    def _rows(self) -> QuerySet[Task]:
        rows = Task.objects.using(self._using).filter(state=self._state).order_by("time", "id")
        if self._after is None:
            return rows
        time, task_id = self._after
        return rows.filter(Q(time__gte=time) & (Q(time__gt=time) | Q(id__gt=task_id)))

    def _is_due(self, row: OpenTask, now: datetime) -> bool:
        if self._missed and row.updated_at <= self._missed:
            return True
        age = (now - max(row.updated_at, row.eta or row.updated_at)).total_seconds()
        since = (now - self._before).total_seconds() if self._before else math.inf
        return self._pauses.asked_by(age) > self._pauses.asked_by(age - since)


class OpenRows:
    """One walk for each open state, so that a long queue does not keep what runs waiting."""

    def __init__(self, pauses: Pauses, using: str) -> None:
        self._pauses = pauses
        self._using = using
        self._walks: dict[str, Walk] = {}
        # The end of the latest gap; at the first look every row is due anyway.
        self._heeded: datetime | None = None
        # The same, if it came later.
        self._missed: datetime | None = None

    def due(self, now: datetime, limit: int) -> list[OpenTask]:
        """``limit`` at most; after a gap those that were open in it come first."""
        self._heed_gaps()
        states = [state for state in self._states() if group(state) in _OPEN]
        share = max(limit // max(len(states), 1), 1)
        return [row for state in states for row in self._walk(state).step(now, share)]

    def _walk(self, state: str) -> Walk:
        if state not in self._walks:
            self._walks[state] = walk = Walk(state, self._pauses, self._using)
            if self._missed:
                walk.again(self._missed)
        return self._walks[state]

    def _states(self) -> Iterator[str]:
        """Every state there is, by leaps through the index: an app's own are known nowhere else."""
        rows = Task.objects.using(self._using).order_by("state").values_list("state", flat=True)
        state = rows.first()
        for _leap in range(_MOST_STATES):
            if state is None:
                return
            yield state
            state = rows.filter(state__gt=state).first()

    def _heed_gaps(self) -> None:
        """A gap may also grow."""
        latest = Gap.objects.using(self._using).aggregate(end=Max("ended_at"))["end"] or _NEVER
        if self._heeded is not None and latest > self._heeded:
            self._missed = latest
            for walk in self._walks.values():
                walk.again(latest)
        self._heeded = latest
