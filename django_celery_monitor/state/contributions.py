"""What one task adds to the counts. Pure and in integers, so that any order sums up the same."""

from __future__ import annotations

from typing import Final, NamedTuple

from django_celery_monitor.events import Timestamp
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.state.runs import Run

MINUTE: Final = 60
# A longer duration counts as this one (about 115 days): so no sum outgrows 64 bits.
LONGEST: Final = 10**13
# In place of a label in excess. Shown translated; no program names anything so by accident.
OTHER: Final = "\x1aother"
COUNTED: Final = ("received", "succeeded", "failed", "retried", "revoked", "rejected")


class Flow(NamedTuple):
    """One thing that happened in a minute. ``runtime`` and ``wait`` are microseconds."""

    minute: int
    name: str
    worker: str
    queue: str
    # One of COUNTED.
    kind: str
    runtime: int | None
    wait: int | None


class Cohort(NamedTuple):
    """Where a task stands now, under the minute it was first seen in."""

    minute: int
    name: str
    state: str


def flows(facts: Facts) -> list[Flow]:
    """Every run counts when it is received and when it ends, under the minute of that event."""
    found = []
    for run in facts.runs:
        if run.received is not None:
            minute = minute_of(run.received)
            found.append(Flow(minute, facts.name, run.worker, facts.queue, "received", None, None))
        if run.outcome in COUNTED:
            found.append(_ended(facts, run))
    return found


def merely_began(old: Facts, facts: Facts) -> bool:
    """Whether ``flows`` is sure to be the same: nothing was received nor ended in between."""
    return (
        len(old.runs) == len(facts.runs) == 1
        and (old.name, old.queue) == (facts.name, facts.queue)
        and old.runs[0].end is facts.runs[0].end is None
        and old.runs[0].received == facts.runs[0].received
        and old.runs[0].worker == facts.runs[0].worker
    )


def cohort(facts: Facts) -> Cohort:
    # As exact as a column holds it: retention knows the task by its row.
    return Cohort(minute_of(round(facts.time, 6)), facts.name, facts.state)


def minute_of(time: Timestamp) -> int:
    return int(time) // MINUTE * MINUTE


def _ended(facts: Facts, run: Run) -> Flow:
    return Flow(
        minute_of(run.ended or 0),
        facts.name,
        run.worker,
        facts.queue,
        run.outcome,
        _microseconds(run.runtime),
        _microseconds(run.wait),
    )


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else min(round(seconds * 1_000_000), LONGEST)
