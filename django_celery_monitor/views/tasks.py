from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_TASK_ARGUMENTS, get_policy
from django_celery_monitor.filters import And, from_params, terms
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading.counts import facets
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.views import links
from django_celery_monitor.views.find import understood
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import rows, tasks_for
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.workers import WorkerView, workers_if_allowed


@page(VIEW_TASK)
def tasks(request: HttpRequest) -> HttpResponse:
    params = request.GET
    if "find" in params:
        return redirect(links.changed(understood(params)))
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
        "hidden": [(term.field, term.value) for term in terms(expression)],
        "params": params,
        **_list(request, expression),
        **_facets(request, expression, workers_if_allowed(request.user, now, heard) or []),
    }
    return render_page(request, "tasks.html", context)


def _list(request: HttpRequest, expression: And) -> dict[str, Any]:
    params = request.GET
    cursor = params.get("cursor", "")
    visible = tasks_for(request.user)
    found = page_of(visible, expression, cursor)
    newest = page_of(visible, expression, size=1) if cursor else found
    return {
        "rows": rows(request.user, found.items),
        "page": found,
        "newest": newest.items[0].id if newest.items else "",
        "first_url": links.changed(params) if cursor else "",
        "older_url": links.changed(params, cursor=found.older) if found.older else "",
        "newer_url": links.changed(params, cursor=found.newer) if found.newer else "",
    }


def _facets(request: HttpRequest, expression: And, workers: list[WorkerView]) -> dict[str, Any]:
    params = request.GET
    counts = facets(request.user, expression)
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
    if not payload and any(term.field == "q" for term in terms(expression)):
        raise PermissionDenied(
            _(
                "Searching the text of tasks needs the right to see arguments and results: "
                "django_celery_monitor.view_task_arguments."
            )
        )
    return payload
