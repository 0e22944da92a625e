"""Operations: a list, one of them, and what is done to it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.policy import VIEW_TASK
from django_celery_monitor.access.who import Right, right_to
from django_celery_monitor.control.errors import DeniedError
from django_celery_monitor.control.operations import resume, stop
from django_celery_monitor.control.verbs import VERBS
from django_celery_monitor.models import Operation
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.reading.operations import (
    found,
    groups,
    operation_of,
    operations_for,
    progress,
)
from django_celery_monitor.views.addresses import this_page
from django_celery_monitor.views.page import page, refused
from django_celery_monitor.views.shell import render_page

Status = Operation.Status
# The look of each status is that of a state.
LOOKS: Final = {
    Status.QUEUED: "waiting",
    Status.RUNNING: "running",
    Status.STOPPING: "retrying",
    Status.STOPPED: "revoked",
    Status.FINISHED: "succeeded",
}
_MOVES: Final = ("pk", "status", "matched", "done", "skipped", "failed", "unclear", "turned_at")


def _latest(request: HttpRequest) -> object:
    return list(operations_for(request.user).values_list(*_MOVES)[:25])


def _moved(request: HttpRequest, key: UUID) -> object:
    return list(operations_for(request.user).filter(pk=key).values_list(*_MOVES))


@page(VIEW_TASK, also=_latest)
def operations(request: HttpRequest) -> HttpResponse:
    act, name = request.GET.get("act", ""), request.GET.get("user", "").replace("\0", "")
    rows, older = found(request.user, act, name, request.GET.get("older", ""))
    now = timezone.now()
    context = {
        "section": "operations",
        "now": now,
        "rows": [(each, label(each.act), LOOKS[Status(each.status)]) for each in rows],
        "act": act,
        "user_name": name,
        "verbs": VERBS.values(),
        "filtered": bool(act or name),
        "first_url": this_page(request, older="") if "older" in request.GET else "",
        "older_url": this_page(request, older=older) if older else "",
    }
    return render_page(request, "operations.html", context)


@page(VIEW_TASK, also=_moved)
def operation(request: HttpRequest, key: UUID) -> HttpResponse:
    row, now = _one(request, key), timezone.now()
    heard = listening(now)
    active = row.status in (Status.QUEUED, Status.RUNNING, Status.STOPPING)
    context = {
        "section": "operations",
        "now": now,
        "collector": heard,
        "operation": row,
        "label": label(row.act),
        "look": LOOKS[Status(row.status)],
        "progress": progress(row, now),
        "groups": groups(request.user, row),
        "right": _right(request, row),
        "active": active,
        # Nobody would ever begin it.
        "alone": active and not heard.on,
        "to_stop": row.status in (Status.QUEUED, Status.RUNNING),
        "to_resume": row.status == Status.STOPPED,
        "to_repeat": not active and _may_repeat(row),
    }
    return render_page(request, "operation.html", context)


@refused
@require(VIEW_TASK)
@csrf_protect
@require_POST
def stop_operation(request: HttpRequest, key: UUID) -> HttpResponseBase:
    return _changed(request, key, "stop")


@refused
@require(VIEW_TASK)
@csrf_protect
@require_POST
def resume_operation(request: HttpRequest, key: UUID) -> HttpResponseBase:
    return _changed(request, key, "resume")


def label(act: str) -> str:
    """An act that a version before had is named as it is stored."""
    return str(VERBS[act].act.label) if act in VERBS else act


def _changed(request: HttpRequest, key: UUID, change: str) -> HttpResponseBase:
    row = _one(request, key)
    try:
        {"stop": stop, "resume": resume}[change](request.user, row)
    except DeniedError as error:
        raise PermissionDenied(str(error)) from error
    return redirect("celery_monitor:operation", row.pk)


def _one(request: HttpRequest, key: UUID) -> Operation:
    row = operation_of(request.user, str(key))
    if row is None:
        raise Http404(_("No such operation is kept, or it is not yours."))
    return row


def _may_repeat(row: Operation) -> bool:
    return row.act in VERBS and any(getattr(row, each) for each in VERBS[row.act].again)


def _right(request: HttpRequest, row: Operation) -> Right:
    if row.act not in VERBS:
        return Right(allowed=False, reason=_("No operation can do this any more."))
    return right_to(request.user, VERBS[row.act].act.codename)
