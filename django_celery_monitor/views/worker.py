"""One worker: what its events say, and in tabs what it told when it was asked."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.policy import VIEW_WORKER
from django_celery_monitor.control.requests import is_due, want
from django_celery_monitor.models import Inspection
from django_celery_monitor.reading.fleet import rows_of
from django_celery_monitor.reading.inspected import told
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.state.worker import Health
from django_celery_monitor.views.audit import latest
from django_celery_monitor.views.charts import Charts
from django_celery_monitor.views.offers import Offers, of_worker
from django_celery_monitor.views.page import page
from django_celery_monitor.views.security import harden
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.views.worker_tabs import TABS, content_of, links, url_of
from django_celery_monitor.workers import one_worker

# Asking these by itself would be asking in vain.
_GONE = frozenset({Health.OFFLINE, Health.LOST})


def other(_request: HttpRequest, hostname: str) -> object:
    """What else a page depends on: neither asking nor acting is an event."""
    asked = Inspection.objects.filter(pk=hostname).values_list("wanted_at", "asked_at").first()
    return asked, latest()


@page(VIEW_WORKER, also=other)
def worker(request: HttpRequest, hostname: str) -> HttpResponse:
    now = timezone.now()
    heard = listening(now)
    view = one_worker(request.user, now, hostname, heard)
    if view is None:
        raise Http404(_("No worker of this name has been seen."))
    [row] = rows_of(request.user, now, [view])
    parts = told(request.user, hostname)
    tab = TABS.get(request.GET.get("tab", ""), TABS["overview"])
    gone = view.reason if view.health in _GONE else ""
    context: dict[str, Any] = {
        "section": "workers",
        "now": now,
        "collector": heard,
        "view": view,
        "row": row,
        "tab": tab,
        "tabs": links(hostname, tab, parts),
        # The oldest of what is shown.
        "told": min((parts[part] for part in tab.parts if part in parts), key=_age, default=None),
        "asks_itself": heard.on and view.health not in _GONE and is_due(row.inspection, now),
        "offers": of_worker(request, view.worker, row.inspection.pool, gone),
        "change": Offers(request, view.worker, pool=row.inspection.pool, closed=gone),
        # What is not included costs nothing.
        "charts": Charts(request, now, of=("worker", hostname), heard=heard),
        **content_of(tab, request.user, row, now),
    }
    return render_page(request, "worker.html", context)


def _age(each: Any) -> Any:
    return each.at


@require_POST
@csrf_protect
@require(VIEW_WORKER)
def inspect(request: HttpRequest, hostname: str) -> HttpResponse:
    """Ask for news of a worker; a collector fetches them. Scripts get 204, others the page."""
    now = timezone.now()
    if one_worker(request.user, now, hostname) is None:
        raise Http404(_("No worker of this name has been seen."))
    want(hostname, now, by_itself="by_itself" in request.POST)
    if request.headers.get("X-Requested-With") == "monitor":
        answer = HttpResponse(status=204)
    else:
        tab = TABS.get(request.POST.get("tab", ""), TABS["overview"])
        answer = HttpResponseRedirect(url_of(hostname, tab))
    harden(answer)
    return answer
