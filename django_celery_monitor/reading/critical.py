"""The chain of tasks that made a family take as long as it did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_celery_monitor.models import Task

NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A task's share: ``begun`` when it was sent, ``took`` what is known of its wait and run."""

    begun: datetime | None
    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """``length`` is the sum of the waits and runs that are known along it."""

    ids: tuple[str, ...] = ()
    length: timedelta = NONE


def step_of(task: Task, now: datetime) -> Step:
    """Of a task that runs what passed until ``now``; nothing where nobody told its end."""
    run = task.duration
    if task.finished_at is None and task.started_at:
        run = max(now - task.started_at, NONE)
    return Step(begun=task.sent_at or task.received_at, took=(task.wait or NONE) + (run or NONE))


def critical(steps: Mapping[str, Step], edges: Iterable[tuple[str, str]]) -> Path:
    """The longest path; an edge is from a task to one that it called or that waited for it.

    Who calls goes on: of its time counts what had passed when the other was sent. Tasks that call
    each other in a circle, which only broken ids say, are on no path.
    """
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, int] = dict.fromkeys(steps, 0)
    for begin, end in set(edges):
        after[begin].append(end)
        before[end] += 1
    ready = sorted(key for key, count in before.items() if not count)
    reached = dict.fromkeys(steps, NONE)
    came: dict[str, str] = {}
    best = Path()
    while ready:
        key = ready.pop()
        length = reached[key] + steps[key].took
        if length > best.length:
            best = Path(ids=(key,), length=length)
        for following in sorted(after[key]):
            arrived = reached[key] + _share(steps[key], steps[following])
            if following not in came or arrived > reached[following]:
                reached[following], came[following] = arrived, key
            before[following] -= 1
            if not before[following]:
                ready.append(following)
    return Path(ids=_back(best.ids, came), length=best.length)


def _share(step: Step, following: Step) -> timedelta:
    if step.begun is None or following.begun is None:
        return step.took
    return min(max(following.begun - step.begun, NONE), step.took)


def _back(end: tuple[str, ...], came: Mapping[str, str]) -> tuple[str, ...]:
    found = list(end)
    while found and found[-1] in came:
        found.append(came[found[-1]])
    return tuple(reversed(found))
