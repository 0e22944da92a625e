"""Who did what: a list, one entry, a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.policy import (
    VIEW_ACTION,
    VIEW_TASK,
    VIEW_WORKER,
    User,
    get_policy,
)
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.models import ControlAction, ControlTarget
from django_celery_monitor.reading.audit import (
    FILTERS,
    Eyes,
    actions_for,
    audit_page,
    wanted,
)
from django_celery_monitor.reading.audit_csv import audit_csv
from django_celery_monitor.views.acted import label_of
from django_celery_monitor.views.addresses import this_page
from django_celery_monitor.views.export import streamed
from django_celery_monitor.views.page import page, refused
from django_celery_monitor.views.shell import render_page

# On the page of a task, a worker or a queue.
LATEST: Final = 10
STEP: Final = 500


def latest(*_args: object, **_kwargs: object) -> object:
    """What a page with entries depends on besides events."""
    rows = ControlAction.objects.order_by("-pk")
    return rows.values_list("pk", "outcome", "ended_at").first()


@page(VIEW_ACTION, also=latest)
def audit(request: HttpRequest) -> HttpResponse:
    given, cursor = _given(request), request.GET.get("cursor", "")
    found = audit_page(request.user, given, cursor)
    context = {
        "section": "audit",
        "entries": found.items,
        "given": given,
        "acts": [(name, act.label) for name, act in ACTS.items() if act.changes],
        "outcomes": ControlAction.Outcome.choices,
        "filtered": bool(given),
        "first_url": this_page(request, cursor="") if cursor else "",
        "older_url": this_page(request, cursor=found.older) if found.older else "",
        "export_query": request.GET.urlencode(),
        "export_max": get_settings().EXPORT_MAX,
    }
    return render_page(request, "audit.html", context)


@page(VIEW_ACTION, also=latest)
def audit_entry(request: HttpRequest, action_id: int) -> HttpResponse:
    rows = actions_for(request.user).filter(pk=min(action_id, 2**63 - 1))
    found = rows.prefetch_related("targets").first()
    if found is None:
        raise Http404(_("No act with this number is kept."))
    context = {
        "section": "audit",
        "entry": Eyes(request.user).see(found),
        "label": label_of(found.act),
        "may_see_tasks": get_policy().can(request.user, VIEW_TASK),
        "may_see_workers": get_policy().can(request.user, VIEW_WORKER),
    }
    return render_page(request, "audit_entry.html", context)


@refused
@require(VIEW_ACTION)
@require_safe
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """The list as CSV, with its filters; at most ``EXPORT_MAX`` entries, the newest."""
    rows = actions_for(request.user).filter(wanted(_given(request)))
    pieces = audit_csv(request.user, _in_steps(rows, get_settings().EXPORT_MAX))
    response = StreamingHttpResponse(
        streamed(request, pieces), content_type="text/csv; charset=utf-8"
    )
    name = f"audit-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def entries_on(user: User, kind: str, *values: str) -> list[ControlAction] | None:
    """The latest acts on something; ``None`` for who may not see any."""
    if not get_policy().can(user, VIEW_ACTION):
        return None
    aimed = ControlTarget.objects.filter(kind=kind, value__in=values).order_by().values("action")
    return list(actions_for(user).filter(pk__in=aimed).order_by("-pk")[:LATEST])


def _given(request: HttpRequest) -> dict[str, str]:
    found = {name: request.GET.get(name, "").strip() for name in FILTERS}
    return {name: value for name, value in found.items() if value}


def _in_steps(rows: Any, most: int) -> Iterator[ControlAction]:
    """No more in memory than one step, with the targets of each."""
    last: int | None = None
    while most > 0:
        step = rows if last is None else rows.filter(pk__lt=last)
        found = list(step.prefetch_related("targets").order_by("-pk")[: min(STEP, most)])
        yield from found
        if len(found) < STEP:
            return
        most, last = most - len(found), found[-1].pk
