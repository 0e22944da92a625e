"""The tasks of an operation: found, taken a batch at a time, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.operations import parsed
from django_celery_monitor.control.verbs import Verb
from django_celery_monitor.filters import And, Term
from django_celery_monitor.models import Operation, OperationItem, Task
from django_celery_monitor.paging import page

Item = OperationItem.Status
# Status and message, and the items that got them.
Outcomes = Mapping[tuple[str, str], Sequence[OperationItem]]
BATCH: Final = 500
_COUNTED: Final = frozenset({Item.DONE, Item.SKIPPED, Item.FAILED, Item.UNCLEAR})


class TooManyError(Exception):
    """More tasks match than an operation may have."""


def collect(operation: Operation, user: User, verb: Verb, runner: str, using: str) -> None:
    """Find the next tasks that are meant; raises ``TooManyError``."""
    if operation.of_id:
        ids, cursor = _of_another(operation, verb, using)
    else:
        ids, cursor = _matching(operation, user, using)
    if operation.matched + len(ids) > get_settings().OPERATION_MAX:
        raise TooManyError
    items = OperationItem.objects.using(using)
    with transaction.atomic(using=using):
        if not _is_mine(operation, runner, using):
            return
        rows = [OperationItem(operation=operation, task_id=each) for each in ids]
        # A task whose time an event of before has changed may be found a second time.
        items.bulk_create(rows, ignore_conflicts=True)
        found = {"matched": F("matched") + len(ids), "cursor": cursor or ""}
        if cursor is None:
            found |= {"matched": items.filter(operation=operation.pk).count(), "collected": True}
        Operation.objects.using(using).filter(pk=operation.pk).update(**found)


def claim(
    operation: Operation, user: User, verb: Verb, runner: str, using: str
) -> list[OperationItem] | None:
    """Items that are "sending" now, committed; ``None`` when there are none to look at any more.

    Those to which it cannot be done are settled here, and are not among them.
    """
    with transaction.atomic(using=using):
        if not _is_mine(operation, runner, using):
            return []
        items = list(_waiting(operation, using).order_by("id")[: verb.most])
        if not items:
            return None
        tasks = _tasks(user, using).in_bulk([item.task_id for item in items])
        ready: list[OperationItem] = []
        settled: dict[tuple[str, str], list[OperationItem]] = {}
        for item in items:
            outcome = _obstacle(user, verb, tasks.get(item.task_id))
            if outcome:
                settled.setdefault(outcome, []).append(item)
            else:
                item.status = Item.SENDING
                item.new_id = verb.new_id(operation.pk, item.task_id)
                ready.append(item)
        OperationItem.objects.using(using).bulk_update(ready, ["status", "new_id"])
        _store(operation, settled, Item.WAITING, using)
    return ready


def note(operation: Operation, outcomes: Outcomes, using: str) -> None:
    """What came of items that were being sent; those that somebody else settled stay so."""
    with transaction.atomic(using=using):
        _store(operation, outcomes, Item.SENDING, using)


def _store(operation: Operation, outcomes: Outcomes, before: str, using: str) -> None:
    counts: Counter[str] = Counter()
    items = OperationItem.objects.using(using).filter(operation=operation.pk, status=before)
    for (status, message), found in outcomes.items():
        keys = [item.pk for item in found]
        counts[status] += items.filter(pk__in=keys).update(status=status, message=message)
    added = {name: F(name) + n for name, n in counts.items() if name in _COUNTED and n}
    if added:
        Operation.objects.using(using).filter(pk=operation.pk).update(**added)


def _is_mine(operation: Operation, runner: str, using: str) -> bool:
    """Locks its row: whoever stops it, or takes it over, waits for the end of the transaction."""
    rows = Operation.objects.using(using).filter(pk=operation.pk, runner=runner)
    running = rows.filter(status=Operation.Status.RUNNING)
    return bool(running.update(turned_at=timezone.now()))


def _waiting(operation: Operation, using: str) -> QuerySet[OperationItem]:
    rows = OperationItem.objects.using(using)
    return rows.filter(operation=operation.pk, status=Item.WAITING)


def _tasks(user: User, using: str) -> QuerySet[Task]:
    columns = ("id", "name", "worker", "queue", "state", "time")
    return get_policy().visible(user, Task.objects.using(using).only(*columns))


def _obstacle(user: User, verb: Verb, task: Task | None) -> tuple[str, str] | None:
    if task is None:
        return Item.SKIPPED, _("It is not kept any more.")
    if not verb.fits(task.state):
        return Item.SKIPPED, _("Already %(state)s.") % {"state": task.state}
    if not get_policy().can(user, verb.act.codename, task):
        return Item.FAILED, _("%(user)s may not do this to it.") % {"user": user}
    return None


def _matching(operation: Operation, user: User, using: str) -> tuple[list[str], str | None]:
    bound = Term("before", operation.bound.isoformat())
    expression = And((*parsed(operation.filter).parts, bound))
    found = page(_tasks(user, using), expression, operation.cursor, BATCH, seconds=None)
    return [task.id for task in found.items], found.older


def _of_another(operation: Operation, verb: Verb, using: str) -> tuple[list[str], str | None]:
    rows = OperationItem.objects.using(using).filter(operation=operation.of_id)
    rows = rows.filter(status__in=verb.again, pk__gt=int(operation.cursor or 0))
    found = list(rows.order_by("pk").values_list("pk", "task_id")[:BATCH])
    full = len(found) == BATCH
    return [task_id for _pk, task_id in found], str(found[-1][0]) if full else None
