from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import (
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    User,
    get_policy,
)
from django_celery_monitor.conf import get_settings
from django_celery_monitor.filters import And, FilterError, from_params, is_private, negated
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading.counts import facets
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.views import links
from django_celery_monitor.views.find import mistake, understood, without_find
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import rows, tasks_for
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.workers import WorkerView, workers_if_allowed


@page(VIEW_TASK)
def tasks(request: HttpRequest) -> HttpResponse:
    wrong = None
    if "find" in request.GET:
        try:
            return redirect(links.changed(understood(request.GET)))
        except FilterError as error:
            wrong = mistake(request.GET["find"], error)
    params = without_find(request.GET)
    expression = from_params(params)
    payload = _may_search(request, expression)
    now = timezone.now()
    heard = listening(now)
    context = {
        "section": "tasks",
        "now": now,
        "collector": heard,
        "payload": payload,
        "chips": links.chips(params, expression),
        "hidden": [("-" * no + term.field, term.value) for term, no in negated(expression)],
        "mistake": wrong,
        "params": params,
        **_list(request.user, params, expression),
        **_facets(
            request.user, params, expression, workers_if_allowed(request.user, now, heard) or []
        ),
    }
    return render_page(request, "tasks.html", context)


def _list(user: User, params: QueryDict, expression: And) -> dict[str, Any]:
    cursor = params.get("cursor", "")
    visible = tasks_for(user)
    found = page_of(visible, expression, cursor)
    newest = page_of(visible, expression, size=1) if cursor else found
    return {
        "rows": rows(user, found.items),
        "page": found,
        "window": get_settings().SEARCH_WINDOW,
        "newest": newest.items[0].id if newest.items else "",
        "first_url": links.changed(params) if cursor else "",
        "older_url": links.changed(params, cursor=found.older) if found.older else "",
        "newer_url": links.changed(params, cursor=found.newer) if found.newer else "",
    }


def _facets(
    user: User, params: QueryDict, expression: And, workers: list[WorkerView]
) -> dict[str, Any]:
    counts = facets(user, expression)
    return {
        "counts": counts,
        "states": links.states(params, counts),
        "names": links.names(params, counts),
        "workers": links.hosts(params, workers),
        "hostnames": [view.worker.hostname for view in workers],
        "times": links.times(params),
    }


def _may_search(request: HttpRequest, expression: And) -> bool:
    """Whether the reader may see arguments; a text search would find them out by probing."""
    payload = get_policy().can(request.user, VIEW_TASK_ARGUMENTS)
    if not payload and is_private(expression):
        raise PermissionDenied(
            _(
                "Searching the text of tasks needs the right to see arguments and results: "
                "django_celery_monitor.view_task_arguments."
            )
        )
    return payload
