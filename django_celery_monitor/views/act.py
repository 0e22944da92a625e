"""One page for every act: a form first, then what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_ACTION, VIEW_TASK, VIEW_WORKER, get_policy
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.acts.retry import Sending
from django_celery_monitor.control.errors import (
    BadParametersError,
    ControlError,
    DeniedError,
    UnavailableError,
)
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction, Task, Worker
from django_celery_monitor.views.act_form import ActForm
from django_celery_monitor.views.acted import answer
from django_celery_monitor.views.acting import door
from django_celery_monitor.views.addresses import way_back
from django_celery_monitor.views.shell import render_page

# Workers to choose from, and tasks that are told by name.
CHOICES: Final = 50
NAMED: Final = 10


def act(request: HttpRequest, act_name: str) -> HttpResponseBase:
    door = _DOORS.get(act_name)
    if door is None:
        raise Http404(_("There is no act %(name)s.") % {"name": act_name})
    return door(request)


def _form(found: Act, request: HttpRequest) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None
    form = ActForm(act=found, given=request.GET, sent=sent, workers=_workers(request))
    if sent is None:
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.BAD_REQUEST)
    return _done(request, form)


def _done(request: HttpRequest, form: ActForm) -> HttpResponse:
    source = ControlAction.Source.PAGE
    try:
        action = perform(request.user, form.act, form.values, reason=form.reason, source=source)
    except BadParametersError as error:
        form.refuse(error.problems)
        return _page(request, form, error.status)
    except DeniedError as error:
        raise PermissionDenied(str(error)) from error
    except ControlError as error:
        form.error = str(error)
        sent = isinstance(error, UnavailableError) and error.sent
        return _page(request, form, error.status, sent=sent)
    if not form.act.changes:
        return _page(request, form, action=action, told=action.content)
    return answer(request, action, way_back(request) or _after(request, action))


def _page(
    request: HttpRequest, form: ActForm, status: int = HTTPStatus.OK, **more: object
) -> HttpResponse:
    context = {
        "section": "",
        "form": form,
        "act": form.act,
        "names": _names(request, form),
        "back_url": way_back(request) or reverse("celery_monitor:overview"),
        "action_url": request.get_full_path(),
        # Asking again for what was posted would do it again.
        "still": True,
        **more,
    }
    return render_page(request, "act.html", context, status=status)


def _after(request: HttpRequest, action: ControlAction) -> str:
    if get_policy().can(request.user, VIEW_ACTION):
        return reverse("celery_monitor:audit_entry", args=(action.pk,))
    return reverse("celery_monitor:overview")


def _names(request: HttpRequest, form: ActForm) -> dict[str, str]:
    """Of tasks, by id."""
    ids = form.given.getlist("ids")[:NAMED]
    if not ids or not get_policy().can(request.user, VIEW_TASK):
        return {}
    rows = Task.objects.filter(pk__in=[each.replace("\0", "") for each in ids])
    return dict(get_policy().visible(request.user, rows).values_list("pk", "name"))


def _workers(request: HttpRequest) -> tuple[str, ...]:
    if "workers" in request.GET or not get_policy().can(request.user, VIEW_WORKER):
        return ()
    rows = Worker.objects.filter(offline_at=None).order_by("-arrived_at")
    shown = get_policy().visible(request.user, rows)
    return tuple(sorted(shown.values_list("hostname", flat=True)[:CHOICES]))


def _given(found: Act, request: HttpRequest) -> dict[str, Any]:
    return ActForm(act=found, given=request.GET, sent=request.POST).values


def _door(found: Act) -> Callable[..., HttpResponseBase]:
    return door(found, partial(_given, found))(partial(_form, found))


# What sends a task has forms of its own, which show the message: see ``sending``.
_DOORS: Final = {
    name: _door(found) for name, found in ACTS.items() if not isinstance(found, Sending)
}
