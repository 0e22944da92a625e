"""The runs of a task with what came before each: sending, the broker, the worker's own queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.state.runs import FINAL, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Waits are seconds, below zero where two clocks differ, ``None`` where not observed.

    ``due``: its ETA, if the worker had to hold the task until then. ``again``: the broker gave out
    this attempt before, "delivered" when that delivery did not end, "ran" when it did.
    """

    number: int
    run: Run
    sent: datetime | None
    received: datetime | None
    due: datetime | None
    started: datetime | None
    ended: datetime | None
    again: str = ""

    @property
    def broker_wait(self) -> float | None:
        """From sending to a worker."""
        return _between(self.sent, self.received)

    @property
    def held(self) -> float | None:
        """From a worker to the ETA."""
        return _between(self.received, self.due)

    @property
    def prefetch_wait(self) -> float | None:
        """From a worker, or the ETA, to the start."""
        return _between(self.due or self.received, self.started)


def passages(events: Sequence[TaskEvent], runs: Sequence[Run]) -> list[Passage]:
    """One for each run, in the order of the runs."""
    sent = {
        event.data.get("retries", 0): event for event in events if event.type in ("sent", PUBLISHED)
    }
    etas = {
        (event.timestamp, event.hostname): event.data.get("eta")
        for event in events
        if event.type == "received"
    }
    found: list[Passage] = []
    for number, run in enumerate(runs, 1):
        again = _again(run, runs[: number - 1])
        message = None if again else sent.get(run.retries)
        eta = etas.get((run.received or 0.0, run.worker))
        begun = run.received or (message.timestamp if message else 0.0)
        found.append(
            Passage(
                number=number,
                run=run,
                sent=_time(message.timestamp if message else None),
                received=_time(run.received),
                due=_time(eta) if eta and eta > begun else None,
                started=_time(run.started),
                ended=_time(run.ended),
                again=again,
            )
        )
    return found


def _again(run: Run, earlier: Sequence[Run]) -> str:
    same = [each for each in earlier if each.retries == run.retries]
    if not same:
        return ""
    return "ran" if any(each.outcome in FINAL for each in same) else "delivered"


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end else None


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
