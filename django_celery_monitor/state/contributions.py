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
            found.append(ended(facts, run))
    return found


def flows_between(old: Facts, facts: Facts) -> tuple[list[Flow], list[Flow]]:
    """The flows that went and those that came."""
    if _goes_on(old, facts):
        run = facts.runs[0]
        return [], [ended(facts, run)] if run.outcome in COUNTED else []
    gone, come = flows(old), []
    for flow in flows(facts):
        if flow in gone:
            gone.remove(flow)
        else:
            come.append(flow)
    return gone, come


def _goes_on(old: Facts, facts: Facts) -> bool:
    """Whether nothing happened to an open run but perhaps its end, as most often."""
    if not len(old.runs) == len(facts.runs) == 1 or old.runs[0].end is not None:
        return False
    was, run = old.runs[0], facts.runs[0]
    return (was.received, was.worker, old.name, old.queue) == (
        run.received,
        run.worker,
        facts.name,
        facts.queue,
    )


def cohort(facts: Facts) -> Cohort:
    # As exact as a column holds it: retention knows the task by its row.
    return Cohort(minute_of(round(facts.time, 6)), facts.name, facts.state)


def minute_of(time: Timestamp) -> int:
    return int(time) // MINUTE * MINUTE


def ended(facts: Facts, run: Run) -> Flow:
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
