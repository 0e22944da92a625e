"""What one task adds to the totals: its events by type, each once. They never fall."""

from __future__ import annotations

from typing import Final

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.state.errors import error_type
from django_celery_monitor.state.runs import ERROR_TYPES

# What the monitor concludes or is told by the recorder counts nowhere, nor do an app's own types.
KINDS: Final = (
    "sent",
    "received",
    "started",
    "succeeded",
    "failed",
    "retried",
    "revoked",
    "rejected",
)
NAME, WORKER, QUEUE, EXCEPTION = "n", "w", "q", "x"
_INDEX: Final = {kind: index for index, kind in enumerate(KINDS)}
_SENT: Final = frozenset({"sent", PUBLISHED})

# The grain, the task's name, and the worker, queue or type of exception.
Key = tuple[str, str, str]
# Numbers by key, in the order of KINDS.
Totals = dict[Key, list[int]]


def count(events: list[TaskEvent], name: str, totals: Totals, queue: str = "") -> None:
    """Add a task's events; ``events`` are in the total order and capped (see ``event_set``).

    Nothing counts while the name is unknown. An event counts under the queue that the task had
    last been sent to by then: a retry may go to another one. ``queue``: that of earlier events.
    """
    if not name:
        return
    by_name = _row(totals, (NAME, name, ""))
    queue, by_queue = queue or _first_queue(events), None
    host: str | None = None
    by_worker = by_name
    for event in events:
        kind = event.type
        if kind in _SENT and event.data.get("queue", queue) != queue:
            queue, by_queue = event.data["queue"], None
        index = _INDEX.get(kind)
        if index is None:
            continue
        by_name[index] += 1
        if queue:
            if by_queue is None:
                by_queue = _row(totals, (QUEUE, name, queue))
            by_queue[index] += 1
        if kind == "sent":
            continue
        if event.hostname != host:
            host = event.hostname
            by_worker = _row(totals, (WORKER, name, host))
        by_worker[index] += 1
        if kind in ERROR_TYPES:
            exception = error_type(event.data.get("exception", ""))
            _row(totals, (EXCEPTION, name, exception))[index] += 1


def count_more(
    events: list[TaskEvent], name: str, before: list[TaskEvent], old_name: str, totals: Totals
) -> None:
    """Add what a task's events count, less what they counted before; never less than nothing."""
    size = len(before)
    if name == old_name and events[:size] == before:
        # In order: nothing changes for what was there.
        tail, queue = events[size:], _first_queue(before[::-1])
        if queue or not _first_queue(tail):
            count(tail, name, totals, queue)
            return
    now: Totals = {}
    then: Totals = {}
    count(events, name, now)
    count(before, old_name, then)
    for key, numbers in growth(now, then).items():
        row = _row(totals, key)
        for index, number in enumerate(numbers):
            row[index] += number


def growth(now: Totals, before: Totals) -> Totals:
    """What is more than before; what is less stays counted."""
    found: Totals = {}
    for key, numbers in now.items():
        old = before.get(key)
        if old is not None:
            numbers = [max(new - known, 0) for new, known in zip(numbers, old, strict=True)]
        if any(numbers):
            found[key] = numbers
    return found


def _row(totals: Totals, key: Key) -> list[int]:
    row = totals.get(key)
    if row is None:
        row = totals[key] = [0] * len(KINDS)
    return row


def _first_queue(events: list[TaskEvent]) -> str:
    for event in events:
        if event.type in _SENT and (queue := event.data.get("queue")):
            return str(queue)
    return ""
