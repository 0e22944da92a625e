"""Whom an act is meant for: what exists, what the person may see, and may do this to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import AccessPolicy, User, get_policy, project_policy
from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control.acts.base import Aim, Target
from django_celery_monitor.control.errors import DeniedError, UnknownTargetError
from django_celery_monitor.models import (
    ControlTarget,
    Inspection,
    Task,
    TaskTotals,
    Worker,
    WorkerReply,
)
from django_celery_monitor.workers import said_goodbye

if TYPE_CHECKING:
    from collections.abc import Sequence

M = TypeVar("M", bound=Model)
Kind = ControlTarget.Kind

# In the place of a worker's name: all of them.
EVERYBODY: Final = "*"
# Whoever was heard in this time should answer.
_HEARD: Final = timedelta(seconds=60)
_MOST: Final = 5000
_NAMED: Final = 3


def at_workers(user: User | None, codename: str, names: Sequence[str] | None) -> Aim:
    """The workers of these names; all of them without any, or with ``EVERYBODY``."""
    rows = list(_visible(user, Worker.objects.all()).order_by("-arrived_at")[:_MOST])
    alive = frozenset(row.hostname for row in rows if _alive(row, timezone.now()))
    if not names or EVERYBODY in names:
        return _everybody(user, codename, rows, alive)
    known = {row.hostname: row for row in rows if row.hostname in names}
    missing = [name for name in names if name not in known]
    if missing and not is_open(user):
        raise UnknownTargetError(_("No worker %(name)s has been seen.") % {"name": missing[0]})
    for row in known.values():
        _permit(user, codename, row)
    return Aim(
        hosts=tuple(names),
        expected=frozenset(names),
        # Without a collector there are no rows; such a worker is asked whether it is there.
        unseen=frozenset(missing),
        targets=tuple(Target(Kind.WORKER, name) for name in names),
        count=len(names),
    )


def at_tasks(user: User | None, codename: str, ids: Sequence[str], *, unseen: bool) -> list[Task]:
    """The rows of these tasks, in few columns; ``unseen``: some may have none."""
    found: list[Task] = []
    for start in range(0, len(ids), 500):
        rows = Task.objects.filter(pk__in=ids[start : start + 500])
        found += _visible(user, rows).only("id", "name", "worker", "queue", "state")
    missing = sorted(set(ids) - {task.id for task in found})
    if missing and not (unseen and is_open(user)):
        shown = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        raise UnknownTargetError(_("No such task is kept: %(ids)s.") % {"ids": shown})
    for task in found:
        _permit(user, codename, task)
    return found


def at_type(user: User | None, name: str) -> Target:
    """A task type that the monitor counted, a worker registered, or this process knows."""
    totals = TaskTotals.objects.filter(grain=TaskTotals.Grain.NAME, name=name)
    tasks = Task.objects.filter(name=name)
    if _visible(user, totals).exists() or _visible(user, tasks).exists():
        return Target(Kind.TYPE, name)
    if not (is_open(user) and (name in find_app().tasks or _registered(name))):
        raise UnknownTargetError(_("No task type %(name)s is known.") % {"name": name})
    return Target(Kind.TYPE, name)


def at_queue(user: User | None, name: str) -> Target:
    """A queue that tasks went through, a worker reads, or the project's settings name."""
    totals = TaskTotals.objects.filter(grain=TaskTotals.Grain.QUEUE, label=name)
    tasks = Task.objects.filter(queue=name)
    if _visible(user, totals).exists() or _visible(user, tasks).exists():
        return Target(Kind.QUEUE, name)
    if not (is_open(user) and (name in find_app().amqp.queues or _read(name))):
        raise UnknownTargetError(_("No queue %(name)s is known.") % {"name": name})
    return Target(Kind.QUEUE, name)


def nobody(name: str) -> NoReturn:
    """A worker that no event told of does not answer either."""
    text = _("No worker %(name)s has been seen, and none answers to it.")
    raise UnknownTargetError(text % {"name": name})


def is_open(user: User | None) -> bool:
    """Whether the policy hides no rows: what has no row is everybody's then."""
    own = type(project_policy()).can is not AccessPolicy.can
    return user is None or not (own or get_policy().narrows)


def _everybody(user: User | None, codename: str, rows: list[Worker], alive: frozenset[str]) -> Aim:
    everybody = (Target(Kind.WORKER, EVERYBODY),)
    if is_open(user):
        return Aim(hosts=None, expected=alive, targets=everybody, count=1)
    may = [row.hostname for row in rows if not said_goodbye(row) and _may(user, codename, row)]
    if not may:
        raise UnknownTargetError(_("There is no worker that you may do this to."))
    return Aim(hosts=tuple(may), expected=alive & set(may), targets=everybody, count=1)


def _alive(row: Worker, now: datetime) -> bool:
    return not said_goodbye(row) and row.arrived_at > now - _HEARD


def _may(user: User | None, codename: str, row: Model) -> bool:
    return user is None or get_policy().can(user, codename, row)


def _permit(user: User | None, codename: str, row: Model) -> None:
    if not _may(user, codename, row):
        text = _("You may not do this to %(name)s.") % {"name": row.pk}
        raise DeniedError(text, codename)


def _visible(user: User | None, rows: QuerySet[M]) -> QuerySet[M]:
    return rows if user is None else get_policy().visible(user, rows)


def _registered(name: str) -> bool:
    rows = WorkerReply.objects.filter(part=WorkerReply.Part.REGISTERED)
    contents: Any = rows.values_list("content", flat=True).order_by("-told_at")[:20]
    return any(each.get("name") == name for content in contents for each in content)


def _read(name: str) -> bool:
    rows = Inspection.objects.exclude(queues=None).values_list("queues", flat=True)
    return any(name in (queues or ()) for queues in rows[:_MOST])
