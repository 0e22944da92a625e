from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import (
    MANAGE_VIEWS,
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    User,
    get_policy,
)
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.verbs import VERBS
from django_celery_monitor.filters import (
    And,
    FilterError,
    from_params,
    is_private,
    negated,
    spelled,
    terms,
    to_params,
)
from django_celery_monitor.filters.paths import is_path
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading import saved
from django_celery_monitor.reading.counts import Facets, facets, matching
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.reading.saved import COLUMN
from django_celery_monitor.views import columns, links
from django_celery_monitor.views.find import mistake, understood, without_find
from django_celery_monitor.views.offers import Offers
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import rows, tasks_for
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.views.stepping import list_query
from django_celery_monitor.views.zone import in_any_zone
from django_celery_monitor.workers import WorkerView, workers_if_allowed

# What "All filters" has fields for, one value each.
IN_FORM: Final = (
    *("state", "name", "worker", "queue", "id", "after", "before", "runtime", "wait", "error", "q"),
)


@page(VIEW_TASK)
def tasks(request: HttpRequest) -> HttpResponse:
    wrong = None
    if "find" in request.GET:
        try:
            return redirect(links.changed(understood(request.GET)))
        except FilterError as error:
            wrong = mistake(request.GET, error)
    elif exact := in_any_zone(request.GET):
        return redirect(links.changed(exact))
    params = without_find(request.GET)
    expression = from_params(params)
    payload = _may_search(request, expression)
    now = timezone.now()
    heard = listening(now)
    workers = workers_if_allowed(request.user, now, heard, rated=False) or []
    shown = columns.chosen(request, params)
    context = {
        "section": "tasks",
        "now": now,
        "collector": heard,
        "payload": payload,
        "chips": links.chips(params, expression),
        "mistake": wrong,
        "without": [key for key in columns.COLUMNS if key not in shown],
        "columns": columns.offered(shown, payload),
        "select": True,
        "bound": now.isoformat().replace("+00:00", "Z"),
        **_forms(params, expression),
        **_views(request.user, params),
        "params": params,
        **_list(request, params, expression),
        **_facets(request.user, params, expression, workers),
    }
    return columns.remember(render_page(request, "tasks.html", context), request, params)


def _forms(params: QueryDict, expression: And) -> dict[str, Any]:
    """What the forms of the page have to carry on, besides what is put into them."""
    filters = [("-" * no + term.field, term.value) for term, no in negated(expression)]
    kept = [(name, value) for name in ("view", COLUMN) for value in params.getlist(name)]
    first = {name: params.get(name) for name in IN_FORM}
    rest = [(name, value) for name, value in filters if first.get(name) != value]
    query = to_params(expression).urlencode()
    return {
        "filters": filters,
        "hidden": [*filters, *kept],
        "hidden_but_columns": [each for each in (*filters, *kept) if each[0] != COLUMN],
        "hidden_of_form": [*rest, *kept],
        "filter_query": query,
        "filter_text": spelled(expression),
        "export_url": f"{reverse('celery_monitor:export')}?{query}",
    }


def _views(user: User, params: QueryDict) -> dict[str, Any]:
    every, own = saved.built_in(), saved.kept(user)
    view = saved.shown(params, [*every, *own])
    query = saved.stored(params)
    return {
        "built_in": links.views(every, view),
        "own_views": links.views([each for each in own if each.mine], view),
        "shared_views": links.views([each for each in own if not each.mine], view),
        "view": view,
        "view_changed": view is not None and query != saved.stored(QueryDict(view.query)),
        "view_query": query,
        "may_share": get_policy().can(user, MANAGE_VIEWS),
    }


def _list(request: HttpRequest, params: QueryDict, expression: And) -> dict[str, Any]:
    user = request.user
    cursor = params.get("cursor", "")
    visible = tasks_for(user)
    found = page_of(visible, expression, cursor)
    newest = page_of(visible, expression, size=1, seconds=0) if cursor else found
    return {
        "rows": rows(user, found.items),
        "row_offers": Offers(request),
        "page": found,
        "list_query": list_query(expression),
        "verbs": [each for each in VERBS.values() if each.makes_sense(expression)],
        "in_text": any(is_path(term.field) for term in terms(expression)),
        "looked_at": number_format(found.looked_at or 0, force_grouping=True),
        "export_max": number_format(get_settings().EXPORT_MAX, force_grouping=True),
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
        "matching": _matching(expression, counts),
        "states": links.states(params, counts),
        "names": links.names(params, counts),
        "workers": links.hosts(params, workers),
        "hostnames": [view.worker.hostname for view in workers],
        "times": links.times(params),
    }


def _matching(expression: And, counts: Facets) -> str:
    """How many there are to select; empty where that is not known."""
    number = matching(expression, counts)
    if number is None:
        return ""
    exact = number_format(number, force_grouping=True)
    return f"{exact}+" if counts.at_least else exact


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
