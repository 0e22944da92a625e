"""``GET tasks`` and ``GET tasks/{task_id}``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.api.answers import TaskOut, TaskPage
from django_celery_monitor.api.auth import Session
from django_celery_monitor.api.errors import forbidden
from django_celery_monitor.api.questions import (
    FILTERS,
    OPPOSITES,
    PAGING,
    documented,
    limit_of,
    refuse_unknown,
)
from django_celery_monitor.api.render import answer
from django_celery_monitor.filters import And, from_params, is_private
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.paging import page

COLUMNS: Final = (
    *("id", "name", "state", "known_by", "running_again", "time", "sent_at", "received_at"),
    *("started_at", "finished_at", "updated_at", "eta", "expires", "worker", "queue", "retries"),
    *("runtime", "root_id", "parent_id"),
)
PAYLOAD: Final = ("args", "kwargs", "result", "exception")
HIDDEN: Final = {**dict.fromkeys((*PAYLOAD, "traceback")), "arguments_hidden": True}

router = Router(auth=Session(VIEW_TASK), tags=["tasks"])


@router.get(
    "tasks",
    response=TaskPage,
    operation_id="list_tasks",
    openapi_extra=documented({**FILTERS, **OPPOSITES, **PAGING}),
)
def list_tasks(request: HttpRequest) -> HttpResponse:
    """Tasks, newest first. Different filters must all hold; repeated ones are alternatives.

    Repeated comparisons and texts must all hold.
    """
    refuse_unknown(request, {**FILTERS, **OPPOSITES, **PAGING})
    expression = from_params(request.GET)
    _refuse_probing(request.user, expression)
    found = page(_tasks(request.user), expression, request.GET.get("cursor", ""), limit_of(request))
    return answer(
        {
            "items": _items(request.user, found.items),
            "next": found.older,
            "prev": found.newer,
            "searched_since": found.searched_since,
        }
    )


@router.get("tasks/{celery_monitor_text:task_id}", response=TaskOut, operation_id="get_task")
def get_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task by its id."""
    found = _tasks(request.user).filter(pk=task_id).first()
    if found is None:
        raise Http404(_("No task with this id is kept."))
    return answer(_items(request.user, [found])[0])


def _tasks(user: User) -> QuerySet[Task]:
    policy = get_policy()
    payload = PAYLOAD if policy.can(user, VIEW_TASK_ARGUMENTS) else ()
    return policy.visible(user, Task.objects.only(*COLUMNS, *payload))


def _refuse_probing(user: User, expression: And) -> None:
    """A text search finds hidden texts out, guess by guess."""
    if is_private(expression) and not get_policy().can(user, VIEW_TASK_ARGUMENTS):
        raise forbidden(VIEW_TASK_ARGUMENTS)


def _items(user: User, tasks: list[Task]) -> list[dict[str, Any]]:
    policy = get_policy()
    may = policy.can(user, VIEW_TASK_ARGUMENTS)
    shown = {task.id for task in tasks if may and policy.can(user, VIEW_TASK_ARGUMENTS, task)}
    traces = _traces(user, [task.id for task in tasks if task.id in shown and task.exception])
    return [
        _facts(task) | (_payload(task, traces) if task.id in shown else HIDDEN) for task in tasks
    ]


def _facts(task: Task) -> dict[str, Any]:
    """What was never observed is null."""
    values = task.__dict__
    return {column: None if values[column] == "" else values[column] for column in COLUMNS}


def _payload(task: Task, traces: dict[str, str]) -> dict[str, Any]:
    payload: dict[str, Any] = {column: getattr(task, column) or None for column in PAYLOAD}
    return {**payload, "traceback": traces.get(task.id) or None, "arguments_hidden": False}


def _traces(user: User, task_ids: Iterable[str]) -> dict[str, str]:
    """The traceback of each task's latest error."""
    errors = get_policy().visible(user, TaskError.objects.filter(task_id=OuterRef("pk")))
    latest = errors.filter(duplicate=False).order_by("-time", "-id").values("traceback")[:1]
    tasks = Task.objects.filter(pk__in=list(task_ids)).order_by()
    return dict(tasks.values_list("pk", Subquery(latest)))
