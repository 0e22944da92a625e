"""From one task to the next of the list where the reader found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, get_policy
from django_celery_monitor.filters import (
    And,
    FilterError,
    from_params,
    is_private,
    spelled,
    to_params,
)
from django_celery_monitor.models import Task
from django_celery_monitor.paging import beside

# The list's filters as its own address spells them; never an address to go to.
FROM: Final = "from"
LONGEST: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Addresses of the neighbours, empty at the ends; ``filters`` as a search spells them."""

    older: str
    newer: str
    list_url: str
    filters: str


def list_query(expression: And) -> str:
    """What the rows of a list add to the addresses of their tasks."""
    query = QueryDict(mutable=True)
    query[FROM] = to_params(expression).urlencode()
    return f"?{query.urlencode()}" if len(query[FROM]) <= LONGEST else ""


def steps(request: HttpRequest, task: Task) -> Steps | None:
    """``None`` for who comes from no list, or from none that can be shown."""
    expression = _came_from(request)
    if expression is None:
        return None
    tasks = get_policy().visible(request.user, Task.objects.only("id", "time"))
    newer, older = beside(tasks, expression, task)
    query = to_params(expression).urlencode()
    return Steps(
        older=_address(older, expression),
        newer=_address(newer, expression),
        list_url=reverse("celery_monitor:tasks") + (f"?{query}" if query else ""),
        filters=spelled(expression),
    )


def _came_from(request: HttpRequest) -> And | None:
    text = request.GET.get(FROM)
    if text is None or len(text) > LONGEST:
        return None
    try:
        expression = from_params(QueryDict(text))
    except (FilterError, TooManyFieldsSent):
        return None
    # The neighbours would tell what the list may not.
    if is_private(expression) and not get_policy().can(request.user, VIEW_TASK_ARGUMENTS):
        return None
    return expression


def _address(task: Task | None, expression: And) -> str:
    if task is None:
        return ""
    return reverse("celery_monitor:task", args=[task.id]) + list_query(expression)
