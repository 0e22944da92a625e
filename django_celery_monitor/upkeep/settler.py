"""Settles tasks that have not ended as far as we know; in one collector at a time.

What is lost, what the result backend knows, what workers still have: docs/architecture/settling.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils import timezone

from django_celery_monitor.models import Task
from django_celery_monitor.upkeep import conclusions, lease
from django_celery_monitor.upkeep.conclusions import Conclusion
from django_celery_monitor.upkeep.inquiry import Answers, Inquirer, Questions
from django_celery_monitor.upkeep.lost import lost_tasks
from django_celery_monitor.upkeep.open_rows import COLUMNS, OpenRows, OpenTask, Pauses
from django_celery_monitor.upkeep.silences import note_silences

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

LEASE: Final = "settle"


class Pace(NamedTuple):
    """Durations are seconds."""

    # From one look to the next; the longest while the backend is away.
    every: float = 10.0
    longest: float = 300.0
    # How many rows a look asks about.
    rows: int = 500
    pauses: Pauses = Pauses(60.0, 3600.0)
    # A worker's last word may be on its way for so long.
    grace: float = 30.0
    # How long workers are given to reply.
    timeout: float = 2.0


PACE: Final = Pace()


class Settler:
    """``settle`` stores conclusions."""

    def __init__(
        self,
        app: Celery,
        using: str,
        settle: Callable[[Sequence[Conclusion]], None],
        pace: Pace = PACE,
    ) -> None:
        self._using = using
        self._settle = settle
        self._pace = pace
        self._open = OpenRows(pace.pauses, using)
        self._inquirer = Inquirer(app, pace.timeout)
        self._asking: Future[Answers] | None = None
        self._next = self._next_look = self._every = pace.every
        # Tasks that their worker did not have, and since when we know.
        self._suspects: dict[str, tuple[float, OpenTask]] = {}

    def turn(self, now: float, listened: float) -> None:
        """Go on, without ever waiting; ``now`` is any clock that only goes forward, in seconds.

        ``listened``: for how many seconds this collector has been listening and keeping up.
        """
        if self._asking:
            if self._asking.done():
                asking, self._asking = self._asking, None
                self._conclude(asking.result(), now, listened)
        elif now >= self._next:
            self._next = now + self._pace.every
            if lease.take(LEASE, self._using):
                note_silences(timezone.now(), listened, self._using)
                if now >= self._next_look:
                    self._look(now, listened)

    def _look(self, now: float, listened: float) -> None:
        moment, pace = timezone.now(), self._pace
        lost = [each.task for each in lost_tasks(moment, listened, self._using)]
        suspects = [row for since, row in self._suspects.values() if since + pace.grace <= now]
        # What waits to be stored may say how they ended.
        due = self._open.due(moment, pace.rows) if listened >= pace.grace else []
        known = {*self._suspects, *(row.id for row in lost)}
        rows = [*suspects, *(row for row in due if row.id not in known)]
        if lost or rows:
            ids = frozenset(row.id for row in suspects)
            self._asking = self._inquirer.begin(Questions(lost, rows, ids))

    def _conclude(self, answers: Answers, now: float, listened: float) -> None:
        self._heed(answers.away, now)
        if answers.away is not None or not lease.take(LEASE, self._using):
            # The rows were passed without being asked about.
            self._open = OpenRows(self._pace.pauses, self._using)
            return
        found = [*self._lost(answers, listened), *self._ended(answers, now, listened)]
        if found:
            self._settle(found)

    def _heed(self, away: str | None, now: float) -> None:
        """Ask more and more seldom while the backend is away."""
        if away is None:
            self._every = self._pace.every
            return
        if self._every == self._pace.every:
            logger.warning(
                "The result backend does not answer (%s); no task is settled until it does",
                away,
                extra={"action": "backend_away"},
            )
        self._every = min(self._every * 2, self._pace.longest)
        self._next_look = now + self._every

    def _lost(self, answers: Answers, listened: float) -> Iterable[Conclusion]:
        """Those that are still lost."""
        asked = {row.id for row in answers.questions.lost}
        moment = timezone.now()
        for lost in lost_tasks(moment, listened, self._using):
            if lost.task.id in asked:
                yield conclusions.by_silence(lost, answers.ended.get(lost.task.id), moment)

    def _ended(self, answers: Answers, now: float, listened: float) -> Iterable[Conclusion]:
        """Of rows of which no event came meanwhile."""
        moment = timezone.now()
        for row in self._unchanged(answers.questions.open):
            known = answers.ended.get(row.id)
            if known and not conclusions.needs_asking(row, known):
                yield conclusions.by_backend(row, known, moment)
            elif self._is_gone(row, answers, now, listened):
                process = answers.processes[row.worker]
                yield conclusions.by_asking(row, known, process, answers.time, self._using)

    def _unchanged(self, rows: Sequence[OpenTask]) -> list[OpenTask]:
        ids = [row.id for row in rows]
        stored = Task.objects.using(self._using).filter(pk__in=ids).values_list(*COLUMNS)
        known = set(map(OpenTask._make, stored))
        for row in rows:
            if row not in known:
                self._suspects.pop(row.id, None)
        return [row for row in rows if row in known]

    def _is_gone(self, row: OpenTask, answers: Answers, now: float, listened: float) -> bool:
        """Whether its worker did not have it twice, and every word in between was heard."""
        since, _row = self._suspects.pop(row.id, (now, row))
        if row.id not in answers.nowhere:
            return False
        if row.id not in answers.questions.suspects:
            self._suspects[row.id] = now, row
            return False
        return listened >= now - since and row.worker in answers.processes
