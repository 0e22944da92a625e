"""Queues as far as rows know them: what waits, what runs, what comes and what goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum

from django_celery_monitor.access.policy import VIEW_WORKER, User, get_policy
from django_celery_monitor.filters import Term, to_q
from django_celery_monitor.models import Inspection, Task, TaskStats, TaskTotals
from django_celery_monitor.reading.remember import remembered
from django_celery_monitor.state.states import GROUPS, PENDING

# Of each state so many tasks are looked at: of those that wait, the oldest.
LOOKED_AT: Final = 5_000
# Rates are means over this time, or over what the newest tasks span if they are very many.
RECENT: Final = timedelta(minutes=15)
MINUTE: Final = timedelta(minutes=1)
# Younger messages may be on their way.
UNREAD_AFTER: Final = timedelta(minutes=1)
_ENDED: Final = ("succeeded", "failed", "rejected", "revoked")


@dataclass(slots=True)
class Now:
    """What is in a queue now. ``scheduled`` waits for a time that was set, ``waiting`` does not.

    ``oldest``: id of the task that waits longest, and since when. ``unread_since``: the same of
    those that no worker has received. Rates are per minute.
    """

    waiting: int = 0
    scheduled: int = 0
    running: int = 0
    retrying: int = 0
    oldest: tuple[str, datetime] | None = None
    unread_since: datetime | None = None
    names: Counter[str] = field(default_factory=Counter)
    arriving: float = 0.0
    finishing: float = 0.0
    received: int = 0

    @property
    def growth(self) -> float:
        return self.arriving - self.finishing

    @property
    def empty_in(self) -> float | None:
        """Seconds until nothing waits if all goes on so; ``None`` if that is never, or is so."""
        if not self.waiting or self.growth >= 0:
            return None
        return self.waiting / -self.growth * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """By name. ``at_least``: groups of states of which more tasks are open than were looked at."""

    queues: dict[str, Now]
    at_least: frozenset[str]

    def get(self, name: str) -> Now:
        return self.queues.get(name) or Now()


def queues_now(user: User, now: datetime) -> Queues:
    found: Queues
    found, _when = remembered(f"queues:{user.pk}", lambda: _look(user, now))
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
    return late and not (queue.received or queue.running or consumers)


def _look(user: User, now: datetime) -> Queues:
    found: defaultdict[str, Now] = defaultdict(Now)
    at_least = {group for group in ("running", "retrying") if _open(user, group, found)}
    # One question for each state: of several at once, a planner may walk through all of history.
    for state in GROUPS["waiting"]:
        if _waiting(user, state, now, found):
            at_least.add("waiting")
    _add_arrivals(user, now, found)
    _add_ends(user, now, found)
    return Queues(queues=dict(found), at_least=frozenset(at_least))


def _open(user: User, group: str, found: dict[str, Now]) -> bool:
    """Add the open tasks of a group; whether there are more than were looked at."""
    tasks = get_policy().visible(user, Task.objects.all())
    rows = tasks.filter(to_q(Term("state", group))).order_by()
    queues = list(rows.values_list("queue", flat=True)[: LOOKED_AT + 1])
    for queue, number in Counter(queues[:LOOKED_AT]).items():
        setattr(found[queue], group, number)
    return len(queues) > LOOKED_AT


def _waiting(user: User, state: str, now: datetime, found: dict[str, Now]) -> bool:
    tasks = get_policy().visible(user, Task.objects.filter(state=state)).order_by("time")
    rows = list(tasks.values_list("queue", "id", "name", "time", "eta")[: LOOKED_AT + 1])
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


def _add_arrivals(user: User, now: datetime, found: dict[str, Now]) -> None:
    tasks = Task.objects.filter(time__gte=now - RECENT, time__lte=now)
    rows = get_policy().visible(user, tasks).order_by("-time").values_list("queue", "time")
    newest = list(rows[:LOOKED_AT])
    since = newest[-1][1] if len(newest) == LOOKED_AT else now - RECENT
    minutes = max((now - since) / MINUTE, 1 / 60)
    for queue, number in Counter(queue for queue, _time in newest).items():
        found[queue].arriving = number / minutes


def _add_ends(user: User, now: datetime, found: dict[str, Now]) -> None:
    first = now.replace(second=0, microsecond=0) - RECENT
    rows = TaskStats.objects.filter(
        period=TaskStats.Period.MINUTE, grain=TaskStats.Grain.QUEUE, start__gte=first
    )
    sums = get_policy().visible(user, rows).order_by().values_list("label")
    minutes = (now - first) / MINUTE
    for queue, received, *ended in sums.annotate(
        Sum("received"), *(Sum(name) for name in _ENDED)
    ).iterator():
        found[queue].received = received
        found[queue].finishing = sum(ended) / minutes
