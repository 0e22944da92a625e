"""What was only requested when its act ended: whether it came true, and for how long that is open.

A worker that is shut down ends its tasks first, and an aborted task ends when it looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.base import Verdict
from django_celery_monitor.models import ControlAction, ControlTarget, Task, Worker, WorkerEvent
from django_celery_monitor.state.states import group
from django_celery_monitor.upkeep import revision
from django_celery_monitor.upkeep.lease import Held

Outcome = ControlAction.Outcome
Gone = WorkerEvent.Type

LEASE: Final = "confirm"
# Seconds from one look to the next.
EVERY: Final = 5.0
# After which nothing is expected to come true any more.
CEILING: Final = timedelta(hours=1)
# A process that acts ends long before that, or is gone.
CRASHED: Final = timedelta(minutes=5)
# Acts at a look, oldest first.
MOST: Final = 100
_OPEN: Final = frozenset({"waiting", "running", "retrying"})
# By which a task says itself that it was aborted; to all else it is a state of its own.
_ABORTED: Final = "ABORTED"


class Confirmer:
    """``announce`` gets the revision when something was decided. In one collector at a time."""

    def __init__(
        self, using: str, announce: Callable[[int, Iterable[str], Iterable[str]], None]
    ) -> None:
        self._using = using
        self._announce = announce
        self._held = Held(LEASE, using)
        self._next = 0.0

    def turn(self, now: float) -> None:
        """``now`` is any clock that only goes forward, in seconds.

        Raises what the database raises.
        """
        if now < self._next:
            return
        self._next = now + EVERY
        actions = _requested(self._using)
        if actions and self._held.is_ours(now):
            moment = timezone.now()
            decided = [_decide(action, moment, self._using) for action in actions]
            if any(decided):
                self._announce(revision.advance(self._using), (), ())


def _requested(using: str) -> list[ControlAction]:
    """But for operations, which have their own end."""
    rows = ControlAction.objects.using(using).filter(outcome=Outcome.REQUESTED)
    return list(rows.exclude(source=ControlAction.Source.OPERATION).order_by("started_at")[:MOST])


def _decide(action: ControlAction, now: datetime, using: str) -> bool:
    """Whether there is news of it."""
    late = now > action.started_at + CEILING
    found: dict[str, Any] = {}
    if action.ended_at is None:
        if now > action.started_at + CRASHED:
            text = _("Whoever sent it ended before it was noted what came of it.")
            found = {"outcome": Outcome.UNCLEAR, "detail": text}
    elif action.replies:
        found = _of_workers(action, using, late=late)
    else:
        found = _of_tasks(action, using, late=late)
    if not found:
        return False
    rows = ControlAction.objects.using(using).filter(pk=action.pk, outcome=Outcome.REQUESTED)
    return bool(rows.update(**found, ended_at=now))


def _of_workers(action: ControlAction, using: str, *, late: bool) -> dict[str, Any]:
    replies = {host: dict(reply) for host, reply in action.replies.items()}
    hosts = [host for host, reply in replies.items() if reply["verdict"] == Verdict.REQUESTED]
    gone = _gone(hosts, action.started_at, using)
    for host in gone:
        replies[host] = {"verdict": Verdict.DONE.value, "text": _("It went offline since.")}
    left = [host for host in hosts if host not in gone]
    if left and not late:
        return {"replies": replies} if gone else {}
    for host in left:
        replies[host] = {"verdict": Verdict.UNCLEAR.value, "text": _not_yet()}
    some = any(reply["verdict"] == Verdict.DONE for reply in replies.values())
    return {"replies": replies, "outcome": _outcome(some=some, whole=not left)}


def _gone(hosts: list[str], since: datetime, using: str) -> set[str]:
    """Those of which the monitor knows that they ended, by their word or by their silence."""
    rows = Worker.objects.using(using).filter(pk__in=hosts).values_list("pk", "clock_offset")
    offsets = {host: timedelta(seconds=offset or 0.0) for host, offset in rows}
    events = WorkerEvent.objects.using(using).filter(worker__in=hosts, type__in=_ENDS)
    told = events.filter(time__gt=since - _SKEWED).values_list("worker", "type", "time")
    # The word of a worker has the time of its clock, its silence ours.
    return {
        host
        for host, kind, time in told
        if time - (offsets.get(host, timedelta()) if kind == Gone.OFFLINE else timedelta()) > since
    }


_ENDS: Final = (Gone.OFFLINE, Gone.LOST)
_SKEWED: Final = timedelta(days=1)


def _of_tasks(action: ControlAction, using: str, *, late: bool) -> dict[str, Any]:
    targets = ControlTarget.objects.using(using).filter(action=action.pk)
    ids = list(targets.filter(kind=ControlTarget.Kind.TASK).values_list("value", flat=True))
    states = Task.objects.using(using).filter(pk__in=ids).values_list("state", flat=True)
    ended = Counter(state for state in states if state == _ABORTED or group(state) not in _OPEN)
    whole = bool(ids) and ended.total() == len(ids)
    if not whole and not late:
        return {}
    told = ", ".join(f"{state} {number}" for state, number in sorted(ended.items()))
    # Whether for that reason, only the task knows.
    text = _("Ended since: %(states)s.") % {"states": told} if told else ""
    detail = text if whole else f"{text} {_not_yet()}".strip()
    return {"outcome": _outcome(some=bool(ended), whole=whole), "detail": detail}


def _outcome(*, some: bool, whole: bool) -> str:
    if whole:
        return Outcome.CONFIRMED
    return Outcome.PARTLY if some else Outcome.NOT_CONFIRMED


def _not_yet() -> str:
    return _("Nothing told within %(minutes)d minutes that it came true.") % {
        "minutes": CEILING.total_seconds() // 60
    }
