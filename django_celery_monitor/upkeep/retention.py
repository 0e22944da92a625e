"""What is kept and for how long, and the sweep that deletes the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet, Sum

from django_celery_monitor.conf import Settings
from django_celery_monitor.models import (
    BadEvent,
    CollectorRun,
    ControlAction,
    Gap,
    Operation,
    OperationItem,
    Rerun,
    Task,
    TaskCount,
    TaskStats,
    WorkerEvent,
    WorkerSample,
)
from django_celery_monitor.state.states import GROUPS
from django_celery_monitor.storage.pruning import BATCH, prune_batch
from django_celery_monitor.storage.totals import forget_workers

# A queue on the broker holds events for three days, and one of a deleted task would revive it.
YOUNGEST: Final = timedelta(days=4)
KEEP_STATS: Final = {
    TaskStats.Period.MINUTE: timedelta(days=3),
    TaskStats.Period.HOUR: timedelta(days=90),
    TaskStats.Period.DAY: timedelta(days=730),
}
KEEP_RUNS: Final = timedelta(days=90)
KEEP_BAD_EVENTS: Final = timedelta(days=30)
# A chart of seven days has them all.
KEEP_SAMPLES: Final = timedelta(days=8)
KEEP_WORKER_EVENTS: Final = timedelta(days=90)
# After the worker was last heard of.
KEEP_WORKER_TOTALS: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rule:
    """Tasks that meet ``condition`` are kept for ``age``."""

    condition: Q
    age: timedelta


def rules(settings: Settings) -> list[Rule]:
    """One rule for every task: by name comes before by outcome, which comes before the default.

    Of several patterns that a name matches, the longest holds.
    """
    by_name = {key: days for key, days in settings.RETENTION_DAYS_BY.items() if key not in GROUPS}
    by_group = {key: days for key, days in settings.RETENTION_DAYS_BY.items() if key in GROUPS}
    found, taken = [], Q(pk__in=[])
    for key in sorted(by_name, key=lambda key: (key.endswith("*"), -len(key))):
        found.append(Rule(_named(key) & ~taken, _age(by_name[key])))
        taken |= _named(key)
    for key, days in by_group.items():
        found.append(Rule(Q(state__in=GROUPS[key]) & ~taken, _age(days)))
        # Groups share no state, so the order among them does not matter.
    grouped = [state for key in by_group for state in GROUPS[key]]
    if settings.RETENTION_DAYS is not None:
        found.append(Rule(~Q(state__in=grouped) & ~taken, _age(settings.RETENTION_DAYS)))
    return found


def sweep(settings: Settings, now: datetime, using: str) -> Iterator[int]:
    """Delete what is too old, a batch at each step; yields how many tasks the step deleted.

    May be left at any step: what is deleted stays deleted, and the next sweep goes on.
    """
    for rule in rules(settings):
        yield from _sweep_rule(rule.condition, now - rule.age, using)
    if settings.RETENTION_TASKS is not None:
        yield from _sweep_excess(settings.RETENTION_TASKS, now - YOUNGEST, using)
    yield from _sweep_records(now, using)
    if settings.RETENTION_ACTIONS is not None:
        yield from _sweep_actions(now - timedelta(days=settings.RETENTION_ACTIONS), using)
    if settings.RETENTION_OPERATIONS is not None:
        yield from _sweep_operations(now - timedelta(days=settings.RETENTION_OPERATIONS), using)


def due(settings: Settings, now: datetime, using: str) -> int:
    """How many tasks a sweep would look at first: those past the age of their rule."""
    tasks = Task.objects.using(using)
    return sum(
        tasks.filter(rule.condition, time__lt=now - rule.age).count() for rule in rules(settings)
    )


def due_actions(settings: Settings, now: datetime, using: str) -> int:
    """How many entries of the audit a sweep would delete."""
    if settings.RETENTION_ACTIONS is None:
        return 0
    before = now - timedelta(days=settings.RETENTION_ACTIONS)
    return ControlAction.objects.using(using).filter(started_at__lt=before).count()


def _named(key: str) -> Q:
    return Q(name__startswith=key[:-1]) if key.endswith("*") else Q(name=key)


def _age(days: float) -> timedelta:
    return max(timedelta(days=days), YOUNGEST)


def _sweep_rule(condition: Q, before: datetime, using: str) -> Iterator[int]:
    position = None
    while True:
        deleted, position = prune_batch(condition, before, position, using)
        yield deleted
        if position is None:
            return


def _sweep_excess(most: int, before: datetime, using: str) -> Iterator[int]:
    """Delete the oldest tasks until ``most`` are left, but none that is younger than ``before``."""
    counts = TaskCount.objects.using(using).filter(period=TaskCount.Period.EVER)
    excess = (counts.aggregate(total=Sum("count"))["total"] or 0) - most
    position = None
    while excess > 0:
        limit = min(excess, BATCH)
        deleted, position = prune_batch(Q(), before, position, using, limit=limit)
        excess -= deleted
        yield deleted
        if position is None:
            return


def _sweep_actions(before: datetime, using: str) -> Iterator[int]:
    for model, column in ((ControlAction, "started_at"), (Rerun, "sent_at")):
        rows: QuerySet[Any] = model._default_manager.using(using)
        found = [None] * BATCH
        while len(found) == BATCH:
            old = rows.filter(**{f"{column}__lt": before}).order_by(column)
            found = list(old.values_list("pk", flat=True)[:BATCH])
            rows.filter(pk__in=found).delete()
            yield 0


def _sweep_operations(before: datetime, using: str) -> Iterator[int]:
    """Those that ended, and their items, of which there may be very many."""
    ended = Operation.objects.using(using).filter(ended_at__lt=before)
    items = OperationItem.objects.using(using)
    for operation in list(ended.order_by("created_at").values_list("pk", flat=True)[:BATCH]):
        while found := list(items.filter(operation=operation).values_list("pk", flat=True)[:BATCH]):
            items.filter(pk__in=found).delete()
            yield 0
        ended.filter(pk=operation).delete()
        yield 0


def _sweep_records(now: datetime, using: str) -> Iterator[int]:
    """Counts, history and bad events; they hold no tasks, so the steps yield 0."""
    for period, age in KEEP_STATS.items():
        TaskStats.objects.using(using).filter(period=period, start__lt=now - age).delete()
        yield 0
    CollectorRun.objects.using(using).filter(last_seen_at__lt=now - KEEP_RUNS).delete()
    yield 0
    Gap.objects.using(using).filter(ended_at__lt=now - KEEP_RUNS).delete()
    yield 0
    BadEvent.objects.using(using).filter(arrived_at__lt=now - KEEP_BAD_EVENTS).delete()
    yield 0
    WorkerSample.objects.using(using).filter(minute__lt=now - KEEP_SAMPLES).delete()
    yield 0
    WorkerEvent.objects.using(using).filter(time__lt=now - KEEP_WORKER_EVENTS).delete()
    yield 0
    forget_workers(now - KEEP_WORKER_TOTALS, using)
    yield 0
