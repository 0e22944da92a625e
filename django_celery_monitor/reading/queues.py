"""Queues as far as rows know them: what waits, what runs, what comes and what goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django_celery_monitor.access.policy import VIEW_WORKER, User, get_policy
from django_celery_monitor.filters import Term, to_q
from django_celery_monitor.models import Inspection, Task, TaskTotals
from django_celery_monitor.reading.growth import Flow, Flows, flows
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.state.states import GROUPS, PENDING
from django_celery_monitor.walks import Span, Way

# Of each state so many tasks are looked at: of those that wait, the oldest.
LOOKED_AT: Final = 5_000
# Younger messages may be on their way.
UNREAD_AFTER: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Now:
    """What is in a queue now. ``scheduled`` waits for a time that was set, ``waiting`` does not.

    ``oldest``: id of the task that waits longest, and since when. ``unread_since``: the same of
    those that no worker has received. ``flow``: ``None`` where nobody knows what came and went.
    """

    waiting: int = 0
    scheduled: int = 0
    running: int = 0
    retrying: int = 0
    oldest: tuple[str, datetime] | None = None
    unread_since: datetime | None = None
    names: Counter[str] = field(default_factory=Counter)
    flow: Flow | None = None

    @property
    def growth(self) -> float | None:
        """Tasks per minute that came and did not end."""
        return None if self.flow is None else self.flow.growth

    @property
    def empty_in(self) -> float | None:
        """Seconds until nothing waits if all goes on so; ``None`` if that is never, or is so."""
        if not self.waiting or self.growth is None or self.growth >= 0:
            return None
        return self.waiting / -self.growth * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """By name. ``at_least``: groups of states of which more tasks are open than were looked at."""

    queues: dict[str, Now]
    at_least: frozenset[str]
    flows: Flows

    def get(self, name: str) -> Now:
        return self.queues.get(name) or Now(flow=self.flows.get(name))


def queues_now(user: User, now: datetime, heard: Listening) -> Queues:
    found: Queues
    found, _when = remembered(f"queues:{user.pk}", lambda: _look(user, now, heard))
    return found


def known_queues(user: User) -> set[str]:
    """Every queue that a task went through since counting began, as far as there is room."""
    rows = get_policy().visible(user, TaskTotals.objects.filter(grain=TaskTotals.Grain.QUEUE))
    return set(rows.values_list("label", flat=True).distinct().order_by("label")[:500])


def readers(user: User) -> dict[str, list[str]] | None:
    """By queue, the workers that said they read it; ``None`` if nobody said anything."""
    policy = get_policy()
    if not policy.can(user, VIEW_WORKER):
        return None
    rows = policy.visible(user, Inspection.objects.filter(silent_since=None))
    found: defaultdict[str, list[str]] = defaultdict(list)
    told = list(rows.exclude(queues=None).values_list("hostname", "queues")[:5_000])
    for hostname, names in told:
        for name in names or ():
            found[str(name)].append(hostname)
    return dict(found) if told else None


def is_unread(queue: Now, consumers: list[str] | None, now: datetime) -> bool:
    """Whether messages wait that no worker takes, as far as one can know."""
    since = queue.unread_since
    late = since is not None and now - since > UNREAD_AFTER
    # Without a collector, that nobody received anything says nothing.
    took = queue.flow is None or queue.flow.received
    return late and not (took or queue.running or consumers)


def _look(user: User, now: datetime, heard: Listening) -> Queues:
    found: defaultdict[str, Now] = defaultdict(Now)
    at_least = {group for group in ("running", "retrying") if _open(user, group, found)}
    # One question for each state: of several at once, a planner may walk through all of history.
    for state in GROUPS["waiting"]:
        if _waiting(user, state, now, found):
            at_least.add("waiting")
    came_and_went = flows(user, now, heard)
    for name in {*found, *came_and_went.queues}:
        found[name].flow = came_and_went.get(name)
    return Queues(queues=dict(found), at_least=frozenset(at_least), flows=came_and_went)


def _open(user: User, group: str, found: dict[str, Now]) -> bool:
    """Add the open tasks of a group; whether there are more than were looked at."""
    tasks = get_policy().visible(user, Task.objects.all())
    rows = tasks.filter(to_q(Term("state", group))).order_by()
    queues = list(rows.values_list("queue", flat=True)[: LOOKED_AT + 1])
    for queue, number in Counter(queues[:LOOKED_AT]).items():
        setattr(found[queue], group, number)
    return len(queues) > LOOKED_AT


def _waiting(user: User, state: str, now: datetime, found: dict[str, Now]) -> bool:
    tasks = get_policy().visible(user, Task.objects.all())
    oldest = Way("state", state).along(tasks, Span(), "time")
    rows = list(oldest.values_list("queue", "id", "name", "time", "eta")[: LOOKED_AT + 1])
    for queue, task_id, name, time, eta in rows[:LOOKED_AT]:
        place = found[queue]
        if eta is not None and eta > now:
            place.scheduled += 1
            continue
        place.waiting += 1
        place.names[name] += 1
        since = max(time, eta or time)
        if place.oldest is None or since < place.oldest[1]:
            place.oldest = task_id, since
        if state == PENDING:
            place.unread_since = min(since, place.unread_since or since)
    return len(rows) > LOOKED_AT
