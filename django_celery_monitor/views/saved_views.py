"""The page where views of the list are kept, and what is done to them."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, router, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from django_celery_monitor.access.decorators import changing, require
from django_celery_monitor.access.policy import MANAGE_VIEWS, VIEW_TASK, User, get_policy
from django_celery_monitor.access.who import why_not
from django_celery_monitor.control.redaction import names_secret
from django_celery_monitor.filters import FilterError, from_params, spelled
from django_celery_monitor.models import SavedView
from django_celery_monitor.reading.saved import MOST, built_in, kept, rows_for, stored
from django_celery_monitor.reading.view_counts import Counted
from django_celery_monitor.reading.view_counts import view_counts as counted
from django_celery_monitor.reading.words import count
from django_celery_monitor.views.page import page, refused
from django_celery_monitor.views.shell import render_page

LONGEST_NAME = 80
LONGEST_QUERY = 4000


@page(VIEW_TASK)
def saved_views(request: HttpRequest) -> HttpResponse:
    context = {
        "section": "tasks",
        "views": [
            (view, _said(view.query), _url(view.key, view.query)) for view in kept(request.user)
        ],
        "may_share": get_policy().can(request.user, MANAGE_VIEWS),
    }
    return render_page(request, "views.html", context)


@refused
@require(VIEW_TASK)
@require_safe
def view_counts(request: HttpRequest) -> HttpResponseBase:
    """Badges of the menu, asked for when it opens."""
    found = counted(request.user, [*built_in(), *kept(request.user)])
    return JsonResponse({"counts": {key: _badge(each) for key, each in found.items()}})


def _badge(found: Counted) -> dict[str, str]:
    exact = number_format(found.number, force_grouping=True)
    if found.at_least:
        hint = _("At least %(count)s: not all were looked at.") % {"count": exact}
        return {"text": f"{count(found.number)}+", "hint": hint}
    return {"text": count(found.number), "hint": _("%(count)s tasks") % {"count": exact}}


@refused
@require(VIEW_TASK)
@csrf_protect
@require_POST
@changing
def save_view(request: HttpRequest) -> HttpResponseBase:
    """A new view, or one that is there with another name, query or circle of readers."""
    key, query = request.POST.get("id", ""), _query(request)
    row = _own(request.user, key) if key else _new(request.user)
    if "name" in request.POST:
        row.name = request.POST["name"].replace("\0", "").strip()[:LONGEST_NAME]
        row.shared = "shared" in request.POST
    if row.shared and not get_policy().can(request.user, MANAGE_VIEWS):
        raise PermissionDenied(why_not(MANAGE_VIEWS))
    if not row.name:
        raise FilterError(_("A view needs a name."))
    row.query = row.query if query is None else query
    try:
        with transaction.atomic(using=router.db_for_write(SavedView)):
            row.save()
    except IntegrityError as error:
        raise FilterError(_("There is a view of this name already.")) from error
    if query is None:
        return redirect("celery_monitor:views")
    return redirect(_url(str(row.pk), row.query))


@refused
@require(VIEW_TASK)
@csrf_protect
@require_POST
@changing
def delete_view(request: HttpRequest) -> HttpResponseBase:
    _own(request.user, request.POST.get("id", "")).delete()
    return redirect("celery_monitor:views")


def _query(request: HttpRequest) -> str | None:
    if "query" not in request.POST:
        return None
    params = QueryDict(request.POST["query"][:LONGEST_QUERY])
    # What no page could show is not kept.
    from_params(params)
    if names_secret(params.urlencode()):
        raise FilterError(_("This filter has a secret: it is masked in every task, and not kept."))
    return stored(params)


def _new(user: User) -> SavedView:
    row = SavedView(owner=str(user.pk))
    if SavedView.objects.filter(owner=row.owner).count() >= MOST:
        raise FilterError(_("You have %(most)d views, as many as are kept.") % {"most": MOST})
    return row


def _own(user: User, key: str) -> SavedView:
    """One's own view; who manages views may change the shared ones of others too."""
    rows = rows_for(user)
    if not get_policy().can(user, MANAGE_VIEWS):
        rows = rows.filter(owner=str(user.pk))
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 18 else 0
    return get_object_or_404(rows, pk=number)


def _said(query: str) -> str:
    try:
        return spelled(from_params(QueryDict(query)))
    except FilterError as error:
        return str(error)


def _url(key: str, query: str) -> str:
    rest = f"&{query}" if query else ""
    return reverse("celery_monitor:tasks") + f"?view={key}{rest}"
