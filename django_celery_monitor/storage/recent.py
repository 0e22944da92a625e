"""What this process stored last of tasks that go on: their next event then needs no reading."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final, NamedTuple

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.advance import follow, is_usual
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.storage import task_events
from django_celery_monitor.storage.flows import Latest
from django_celery_monitor.storage.rows import stored_events

# Characters of texts, and what an entry costs beside them, with the texts of later events.
LIMIT: Final = 30_000_000
ENTRY: Final = 1000
# A batch that no other comes after.
_UNKNOWN: Final = -1
_time = itemgetter(0)


def in_order(events: list[TaskEvent]) -> list[TaskEvent]:
    return sorted(events, key=_time) if len(events) > 1 else events


class Life(NamedTuple):
    """A task as it is stored, so far as the next event of a usual life needs to know."""

    facts: Facts
    # Its events (see ``task_events``), and the clock of the latest.
    text: str
    clock: int
    # What it counts of the limit.
    size: int

    @classmethod
    def of(cls, events: list[TaskEvent], facts: Facts, text: str) -> Life | None:
        """``None``: their next event needs all of them."""
        if not is_usual(events):
            return None
        size = ENTRY + len(text) + len(facts.args) + len(facts.kwargs)
        return cls(facts, text, events[-1].clock, size)

    def after(self, events: list[TaskEvent]) -> Life | None:
        """With the next events; ``None`` when they are not what usually comes next."""
        ordered = in_order(events)
        facts = follow(self.facts, ordered)
        if facts is None:
            return None
        text, last = self.text, (self.facts.updated, self.clock)
        for event in ordered:
            # Of an earlier event of the host the text would say that it is the row's worker.
            if not self.facts.worker and event.hostname in self.text:
                return None
            text = task_events.append(text, last, event, facts)
            last = event.timestamp, event.clock
        return Life(facts, text, last[1], self.size)

    def events(self, task_id: str) -> list[TaskEvent]:
        shared: list[Any] = [getattr(self.facts, field) for field in task_events.SHARED]
        return stored_events(task_id, self.text, shared)


class Recent:
    """Lives by task, and flow counts; trusted only while nobody else writes: see ``lock``."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._lives: dict[str, Life] = {}
        self._limit = limit
        self._size = 0
        self.flows = Latest()
        self._batch = _UNKNOWN

    def at(self, batch: int) -> dict[str, Life]:
        """What can be trusted by one who holds the lock for that batch."""
        if batch != self._batch + 1:
            self._lives.clear()
            self._size = 0
            self.flows.clear()
        # Until ``keep``: a batch that fails has counted what is not stored.
        self._batch = _UNKNOWN
        return self._lives

    def keep(self, changed: Iterable[tuple[str, Life | None]], batch: int) -> None:
        """After the commit; ``None``: of a life that has ended or is no usual one."""
        self._batch = batch
        lives = self._lives
        for task_id, life in changed:
            if (known := lives.get(task_id)) is not None:
                self._size -= known.size
            if life is not None:
                lives[task_id] = life
                self._size += life.size
            elif known is not None:
                del lives[task_id]
        while self._size > self._limit:
            self._size -= lives.pop(next(iter(lives))).size
