"""Forms that run a task again, or send one: pages, and in a drawer of the page one is on."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
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
from django_celery_monitor.views.act_form import Field, field_of
from django_celery_monitor.views.acted import answer
from django_celery_monitor.views.acting import door
from django_celery_monitor.views.addresses import way_back
from django_celery_monitor.views.shell import render_page

ARGUMENTS: Final = ("args", "kwargs")
OPTIONS: Final = (
    *("queue", "priority", "eta", "countdown", "expires", "time_limit", "soft_time_limit"),
    "headers",
)
FIELDS: Final = ("task", *ARGUMENTS, *OPTIONS, "rerun_of", "new_id", "confirm")
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
    back = way_back(request) or reverse("celery_monitor:task", args=(task.id,))
    problem, status, new_id = "", HTTPStatus.OK, request.POST.get("new_id")
    if request.method == "POST":
        try:
            action = _perform(request, Retry(), _of_retry(request, task.id))
            return answer(request, action, back)
        except ControlError as error:
            problem, status = _refused(error), error.status
            new_id = None if _is_free(error) else new_id
    context = {
        "task": task,
        "offer": previews.offer(task),
        "problem": problem,
        "payload": get_policy().can(request.user, VIEW_TASK_ARGUMENTS, task),
        "new_id": new_id or str(uuid4()),
        "action_url": request.get_full_path(),
        "back_url": back,
    }
    return _page(request, "retry.html", context, status)


@door(ACTS[Send.name], _of_sending)
def send(request: HttpRequest) -> HttpResponse:
    """The form and what it would send; it is sent when that is asked for by name."""
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
    if posted and "send" in request.POST:
        try:
            action = _perform(request, Send(), given)
        except ControlError as error:
            context["problem"], status = _refused(error), error.status
            if _is_free(error):
                given.pop("new_id", None)
        else:
            url = reverse("celery_monitor:task", args=(action.arguments["new_id"],))
            return answer(request, action, url)
    looked = _looked(request, given, before) if "task" in given else {}
    problems = looked.get("problems", {}) if posted else {}
    context |= {**looked, **_form(request, given, problems), "back_url": _back(request, given)}
    return _page(request, "send.html", context, status)


def _looked(request: HttpRequest, given: dict[str, str], before: dict[str, Any]) -> dict[str, Any]:
    """What would be sent, or why nothing can be."""
    try:
        plan, _targets = Send().planned(request.user, Send().validated(given))
    except DeniedError as error:
        raise PermissionDenied(str(error)) from error
    except ControlError as error:
        problems = error.problems if isinstance(error, BadParametersError) else {}
        return {"obstacle": _said(error), "problems": problems}
    found = previews.preview(plan)
    changes = previews.difference(before, found.values) if before else []
    return {"preview": found, "plan": plan, "changes": changes}


def _form(request: HttpRequest, given: dict[str, str], problems: dict[str, str]) -> dict[str, Any]:
    signature, purpose = previews.described(given.get("task", ""))
    options = [_field(name, given, problems) for name in OPTIONS]
    return {
        "given": {"new_id": str(uuid4()), **given},
        "arguments": [_field(name, given, problems) for name in ARGUMENTS],
        "options": options,
        "options_open": any(each.value or each.error for each in options),
        "problems": problems,
        "signature": signature,
        "purpose": purpose,
        # To who sees some tasks only, others are not told by name.
        "names": [] if get_policy().narrows else previews.names(),
    }


def _field(name: str, given: dict[str, str], problems: dict[str, str]) -> Field:
    [parameter] = [each for each in Send.parameters if each.name == name]
    found = field_of(parameter, [given.get(name, "")], problems.get(name, ""))
    if name in ARGUMENTS:
        return replace(found, help="")
    # Elsewhere "headers" are stamps.
    return replace(found, label=_("Headers")) if name == "headers" else found


def _back(request: HttpRequest, given: dict[str, str]) -> str:
    if url := way_back(request):
        return url
    if "rerun_of" in given:
        return reverse("celery_monitor:task", args=(given["rerun_of"],))
    return reverse("celery_monitor:types")


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
    return str(error)


def _refused(error: ControlError) -> str:
    if isinstance(error, UnavailableError) and error.sent:
        return f"{error} " + _("What came of it is unclear.")
    return _("Nothing was sent: %(problem)s") % {"problem": _said(error)}


def _is_free(error: ControlError) -> bool:
    """An id is sent once. Of this one it is known that nothing was, so the next try has its own."""
    return isinstance(error, UnavailableError) and not error.sent


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: HTTPStatus
) -> HttpResponse:
    # Fetched anew, a page would lose what was written into it.
    typed = {"reason": request.POST.get("reason", ""), "confirmed": "confirm" in request.POST}
    context = {"section": "tasks", "still": True, **typed, **context}
    return render_page(request, template, context, status)
