"""Operations for who may see them: all of them with the right to the audit, else one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from django_celery_monitor.access.policy import VIEW_ACTION, User, get_policy
from django_celery_monitor.models import Operation, OperationItem, Task

Status = Operation.Status
Item = OperationItem.Status
SIZE: Final = 25
SAMPLES: Final = 20
_GROUPS: Final = 12
_PARTS: Final = ("done", "skipped", "failed", "unclear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Of the bar, which is a hundred wide."""

    kind: str
    start: float
    width: float
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """``name`` is ``None`` of a task that is not kept, or not for this reader."""

    task_id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items of which the same is said."""

    status: str
    message: str
    number: int
    samples: list[Sample]

    @property
    def label(self) -> str:
        return str(Item(self.status).label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``rate``: tasks per second, ``None`` before there is one; ``left``: how long at that rate."""

    parts: list[Part]
    treated: int
    rate: float | None
    left: timedelta | None


def operations_for(user: User) -> QuerySet[Operation]:
    policy = get_policy()
    rows = policy.visible(user, Operation.objects.all())
    return rows if policy.can(user, VIEW_ACTION) else rows.filter(user_id=str(user.pk or ""))


def found(user: User, act: str, name: str, older: str) -> tuple[list[Operation], str]:
    """A page of them, the newest first, and where the next one goes on."""
    rows = operations_for(user).order_by("-created_at", "-id")
    if act:
        rows = rows.filter(act=act)
    if name:
        rows = rows.filter(user_name=name)
    if before := operation_of(user, older):
        time = before.created_at
        rows = rows.filter(Q(created_at__lt=time) | Q(created_at=time, id__lt=before.pk))
    page = list(rows[: SIZE + 1])
    return page[:SIZE], str(page[SIZE - 1].pk) if len(page) > SIZE else ""


def operation_of(user: User, key: str) -> Operation | None:
    try:
        number = UUID(key)
    except ValueError:
        return None
    return operations_for(user).filter(pk=number).first()


def progress(operation: Operation, now: datetime) -> Progress:
    whole = max(operation.matched, operation.treated, 1)
    parts, start = [], 0.0
    for kind in _PARTS:
        number = getattr(operation, kind)
        width = 100 * number / whole
        parts.append(Part(kind=kind, start=round(start, 2), width=round(width, 2), number=number))
        start += width
    rate = _rate(operation, now)
    running = operation.status == Status.RUNNING and operation.collected
    left = None
    if rate and running:
        left = timedelta(seconds=(operation.matched - operation.treated) / rate)
    return Progress(parts=parts, treated=operation.treated, rate=rate, left=left)


def _rate(operation: Operation, now: datetime) -> float | None:
    if not (operation.started_at and operation.turned_at and operation.treated):
        return None
    end = now if operation.status == Status.RUNNING else operation.turned_at
    took = (end - operation.started_at).total_seconds()
    return operation.treated / took if took > 0.1 else None


def groups(user: User, operation: Operation) -> list[Group]:
    """What did not go as it should, by what was said of it, the most first."""
    items = OperationItem.objects.filter(operation=operation.pk)
    odd = items.filter(status__in=(Item.FAILED, Item.UNCLEAR, Item.SKIPPED))
    counted = odd.order_by().values_list("status", "message").annotate(n=Count("pk"))
    return [
        Group(
            status=status, message=message, number=n, samples=_samples(user, items, status, message)
        )
        for status, message, n in counted.order_by("-n", "status", "message")[:_GROUPS]
    ]


def _samples(user: User, items: QuerySet[OperationItem], status: str, message: str) -> list[Sample]:
    of_group = items.filter(status=status, message=message).order_by("pk")
    ids = list(of_group.values_list("task_id", flat=True)[:SAMPLES])
    return named(user, ids)


def named(user: User, ids: list[str]) -> list[Sample]:
    """Tasks that this reader may see; others only where nothing is hidden from them."""
    policy = get_policy()
    rows = policy.visible(user, Task.objects.filter(pk__in=ids))
    names = dict(rows.values_list("pk", "name"))
    hides = policy.hides(user, "Task")
    return [
        Sample(task_id=each, name=names.get(each)) for each in ids if each in names or not hides
    ]
