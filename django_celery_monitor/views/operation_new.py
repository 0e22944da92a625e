"""Before an operation begins: what would be done to which tasks, and whether that is meant."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.policy import VIEW_TASK, get_policy
from django_celery_monitor.access.who import why_not
from django_celery_monitor.control.errors import AuditError, ControlError, DeniedError
from django_celery_monitor.control.operations import RESTS, Chosen, begin
from django_celery_monitor.control.overlap import overlapping
from django_celery_monitor.control.verbs import VERBS, Verb
from django_celery_monitor.views.operation_form import (
    Targets,
    chosen_by,
    flags_of,
    parameters_of,
    said,
    sent_again,
    targets_of,
)
from django_celery_monitor.views.page import refused
from django_celery_monitor.views.shell import render_page


@refused
@require(VIEW_TASK)
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def new_operation(request: HttpRequest) -> HttpResponseBase:
    """Asks; only what was asked and is ``confirmed`` begins."""
    given = request.POST if request.method == "POST" else request.GET
    verb = VERBS.get(given.get("act", ""))
    if verb is None:
        raise Http404(_("No operation can do this."))
    confirmed = request.method == "POST" and "confirmed" in given
    may = get_policy().can(request.user, verb.act.codename)
    # What is confirmed is refused where it would begin, and recorded there.
    if not (may or confirmed):
        raise PermissionDenied(why_not(verb.act.codename))
    try:
        chosen = chosen_by(request.user, given)
        if confirmed:
            return _begun(request, verb, chosen, may)
    except DeniedError as error:
        raise PermissionDenied(str(error)) from error
    return _asked(request, verb, chosen, QueryDict(), "")


def _begun(request: HttpRequest, verb: Verb, chosen: Chosen, may: bool) -> HttpResponseBase:
    given = request.POST
    number = given.get("number", "")
    if may and given.get("wants_typed") and _digits(given.get("typed", "")) != number:
        wrong = _("This is not the number of tasks. Nothing was begun.")
        return _asked(request, verb, chosen, given, wrong)
    try:
        operation = begin(
            request.user,
            verb.act.name,
            chosen,
            parameters=parameters_of(verb, given),
            reason=given.get("reason", ""),
            rest=_rest(given.get("rest", "")),
        )
    except DeniedError:
        raise
    except ControlError as error:
        away = isinstance(error, AuditError)
        status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.BAD_REQUEST
        return _asked(request, verb, chosen, given, str(error), status)
    return redirect("celery_monitor:operation", operation.pk)


def _asked(
    request: HttpRequest,
    verb: Verb,
    chosen: Chosen,
    given: QueryDict,
    wrong: str,
    status: int = HTTPStatus.BAD_REQUEST,
) -> HttpResponse:
    targets: Targets = targets_of(request.user, verb, chosen)
    context = {
        "section": "operations",
        "verb": verb,
        "chosen": chosen,
        "filter_text": said(chosen),
        "targets": targets,
        "hidden": sent_again(chosen),
        "flags": flags_of(verb),
        "rests": RESTS,
        "rest": _rest(given.get("rest", "")),
        "reason": given.get("reason", ""),
        "others": overlapping(verb.act.name, chosen)[:3],
        "wrong": wrong,
    }
    return render_page(
        request, "operation_new.html", context, status=status if wrong else HTTPStatus.OK
    )


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit())


def _rest(text: str) -> float:
    return next((each for each in RESTS if f"{each:g}" == text), RESTS[0])
