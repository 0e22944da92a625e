"""What this process stored last of tasks that go on: their next event then needs no reading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.storage.rows import stored_events
from django_celery_monitor.storage.task_events import SHARED

# Characters of texts, and what an entry costs beside its texts, counted as if it were characters.
LIMIT: Final = 17_000_000
_ENTRY: Final = 800


class Known(NamedTuple):
    """What is stored of a task."""

    events: list[TaskEvent]
    # ``None`` when nobody has derived them yet.
    facts: Facts | None


class Recent:
    """Trusted only while nobody else writes, which the revision tells."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._tasks: dict[str, tuple[str, Facts, int]] = {}
        self._limit = limit
        self._size = 0
        self._revision = 0

    def known(self, ids: Iterable[str], revision: int) -> dict[str, Known]:
        """Of the tasks those that need no reading; ``revision`` is what the lock gave."""
        if revision != self._revision + 1:
            self._tasks.clear()
            self._size = 0
        return {
            task_id: Known(_events(task_id, found[0], found[1]), found[1])
            for task_id in ids
            if (found := self._tasks.get(task_id))
        }

    def keep(self, stored: Iterable[tuple[str, str, Facts]], revision: int) -> None:
        """After the commit: the id, the text of the events, and what was derived from them."""
        self._revision = revision
        for task_id, text, facts in stored:
            self._drop(task_id)
            if _goes_on(facts):
                size = _ENTRY + len(text) + len(facts.args) + len(facts.kwargs)
                self._tasks[task_id] = text, facts, size
                self._size += size
        while self._size > self._limit:
            self._drop(next(iter(self._tasks)))

    def _drop(self, task_id: str) -> None:
        found = self._tasks.pop(task_id, None)
        if found:
            self._size -= found[2]


def _goes_on(facts: Facts) -> bool:
    """No run has ended; so nothing of it is an error, whose traceback lies elsewhere."""
    return not [run for run in facts.runs if run.end or run.error] and not facts.result


def _events(task_id: str, text: str, facts: Facts) -> list[TaskEvent]:
    shared: list[Any] = [getattr(facts, field) for field in SHARED]
    return stored_events(task_id, text, shared)
