"""Pages that run a task again, or send one."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import (
    RETRY_TASK,
    SEND_TASK,
    VIEW_TASK_ARGUMENTS,
    get_policy,
)
from django_celery_monitor.control import previews
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.acts.retry import Retry
from django_celery_monitor.control.acts.send import Send
from django_celery_monitor.control.errors import (
    BadParametersError,
    ControlError,
    DeniedError,
    UnavailableError,
)
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction, Task
from django_celery_monitor.views.acted import remember
from django_celery_monitor.views.acting import door
from django_celery_monitor.views.shell import render_page

FIELDS: Final = (
    *("task", "args", "kwargs", "queue", "eta", "countdown", "expires", "priority"),
    *("time_limit", "soft_time_limit", "headers", "rerun_of", "new_id", "confirm"),
)
_JSON: Final = ("args", "kwargs", "headers")


def _of_retry(request: HttpRequest, task_id: str) -> dict[str, Any]:
    confirm = "on" if "confirm" in request.POST else ""
    return {"id": task_id, "new_id": request.POST.get("new_id"), "confirm": confirm}


def _of_sending(request: HttpRequest) -> dict[str, str]:
    source = request.POST if request.method == "POST" else request.GET
    return {name: value for name in FIELDS if (value := source.get(name, "").strip())}


@door(ACTS[Retry.name], _of_retry)
def retry(request: HttpRequest, task_id: str) -> HttpResponse:
    task = _task(request, RETRY_TASK, task_id)
    problem, status = "", HTTPStatus.OK
    if request.method == "POST":
        try:
            return _sent(_perform(request, Retry(), _of_retry(request, task.id)), task.id)
        except ControlError as error:
            problem, status = _said(error), _status(error)
    context = {
        "task": task,
        "offer": previews.offer(task),
        "problem": problem,
        "payload": get_policy().can(request.user, VIEW_TASK_ARGUMENTS, task),
        "new_id": request.POST.get("new_id") or str(uuid4()),
    }
    return _page(request, "retry.html", context, status)


@door(ACTS[Send.name], _of_sending)
def send(request: HttpRequest) -> HttpResponse:
    """A look first, without sending, or at once."""
    posted = request.method == "POST"
    given = _of_sending(request)
    origin = _task(request, SEND_TASK, given["rerun_of"]) if "rerun_of" in given else None
    may_see = origin is None or get_policy().can(request.user, VIEW_TASK_ARGUMENTS, origin)
    offer = previews.offer(origin) if origin else None
    before = offer.preview.values if offer and offer.preview and may_see else {}
    if origin and not posted:
        given = _filled(origin, before, given)
    context: dict[str, Any] = {"origin": origin, "payload": may_see, "offer": offer}
    status = HTTPStatus.OK
    try:
        if posted and "send" in request.POST:
            action = _perform(request, Send(), given)
            return _sent(action, action.arguments["new_id"])
        if posted:
            context |= _looked(request, given, before)
    except ControlError as error:
        context["problems"] = error.problems if isinstance(error, BadParametersError) else {}
        context["problem"], status = _said(error), _status(error)
    return _page(request, "send.html", {**context, **_form(given)}, status)


def _looked(request: HttpRequest, given: dict[str, str], before: dict[str, Any]) -> dict[str, Any]:
    plan, _targets = Send().planned(request.user, Send().validated(given))
    found = previews.preview(plan)
    changes = previews.difference(before, found.values) if before else []
    return {"looked": True, "preview": found, "plan": plan, "changes": changes}


def _form(given: dict[str, str]) -> dict[str, Any]:
    signature, purpose = previews.described(given.get("task", ""))
    return {
        "given": {"new_id": str(uuid4()), **given},
        "signature": signature,
        "purpose": purpose,
        # To who sees some tasks only, others are not told by name.
        "names": [] if get_policy().narrows else previews.names(),
    }


def _task(request: HttpRequest, codename: str, task_id: str) -> Task:
    rows = get_policy().visible(request.user, Task.objects.filter(pk=task_id.replace("\0", "")))
    found = rows.first()
    if found is None:
        raise Http404(_("No task with this id is kept: it was never seen, or it has been removed."))
    if not get_policy().can(request.user, codename, found):
        raise PermissionDenied
    return found


def _perform(request: HttpRequest, act: Retry | Send, given: dict[str, Any]) -> ControlAction:
    reason = request.POST.get("reason", "").strip()
    try:
        return perform(request.user, act, given, reason=reason, source=ControlAction.Source.PAGE)
    except DeniedError as error:
        raise PermissionDenied(str(error)) from error


def _sent(action: ControlAction, task_id: str) -> HttpResponse:
    """To a page that tells what came of it."""
    response = redirect("celery_monitor:task", task_id=task_id)
    remember(response, action)
    return response


def _filled(origin: Task, values: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """What the form begins with; what it leaves empty stays as it was."""
    found = {"task": origin.name}
    for name in FIELDS:
        if name in values:
            value = values[name]
            pretty = json.dumps(value, indent=2, ensure_ascii=False) if name in _JSON else ""
            found[name] = pretty or str(value)
    return {**found, **given}


def _said(error: ControlError) -> str:
    if isinstance(error, BadParametersError):
        return " ".join(error.problems.values())
    if isinstance(error, UnavailableError) and error.sent:
        return f"{error} " + _("What came of it is unclear.")
    return str(error)


def _status(error: ControlError) -> HTTPStatus:
    away = isinstance(error, UnavailableError)
    return HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.BAD_REQUEST


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: HTTPStatus
) -> HttpResponse:
    # Fetched anew, a page would lose what was written into it.
    return render_page(request, template, {"section": "tasks", "still": True, **context}, status)
