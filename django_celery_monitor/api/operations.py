"""``operations``: acts on many tasks at once, begun, watched, stopped and resumed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router

from django_celery_monitor.access.policy import VIEW_TASK, User
from django_celery_monitor.api.answers_of_operations import OperationOut, OperationPage
from django_celery_monitor.api.auth import Session
from django_celery_monitor.api.bodies import body_of, described
from django_celery_monitor.api.questions import documented, refuse_unknown
from django_celery_monitor.api.render import answer
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.control.operations import RESTS, Chosen, begin, parsed, resume, stop
from django_celery_monitor.control.verbs import VERBS
from django_celery_monitor.filters import And
from django_celery_monitor.filters.url import is_filter
from django_celery_monitor.filters.values import moment
from django_celery_monitor.models import Operation
from django_celery_monitor.reading.operations import found, groups, operation_of

QUESTIONS: Final = {
    "act": "The name of an act.",
    "user": "The name of a person.",
    "cursor": "Where to go on: next of another answer to the same question.",
}
COLUMNS: Final = (
    *("id", "act", "reason", "bound", "rest", "status", "detail", "created_at", "started_at"),
    *("ended_at", "matched", "done", "skipped", "failed", "unclear"),
)
_TEXT: Final = {"type": "string"}
_BODY: Final[dict[str, Any]] = {
    "act": {**_TEXT, "enum": sorted(VERBS)},
    "ids": {"type": "array", "items": _TEXT, "maxItems": 1000},
    "filter": {**_TEXT, "description": "As in the address of a list: state=failed&queue=mail."},
    "of": {**_TEXT, "description": "An operation: its items that failed, instead of ids."},
    "bound": {**_TEXT, "description": "Tasks of a later time are not meant; else now."},
    "parameters": {"type": "object", "description": "Of the act, besides the tasks."},
    "reason": {**_TEXT, "maxLength": 1000},
    "rest": {"type": "number", "enum": list(RESTS), "description": "Seconds between batches."},
}
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("act", "filter", "of", "bound", "reason"), str),
    "ids": list,
    "parameters": dict,
    "rest": (int, float),
}

router = Router(tags=["operations"])


@router.get(
    "operations",
    response=OperationPage,
    operation_id="list_operations",
    auth=Session(VIEW_TASK),
    openapi_extra=documented(QUESTIONS),
)
def list_operations(request: HttpRequest) -> HttpResponse:
    """One's own, with the right to the audit everybody's; newest first."""
    refuse_unknown(request, QUESTIONS)
    given = {name: request.GET.get(name, "").replace("\0", "") for name in QUESTIONS}
    rows, older = found(request.user, given["act"], given["user"], given["cursor"])
    return answer({"items": [_item(each) for each in rows], "next": older or None})


@router.post(
    "operations",
    response=OperationOut,
    operation_id="begin_operation",
    auth=Session(VIEW_TASK),
    openapi_extra={"requestBody": described(_BODY, required=["act"])},
)
def begin_operation(request: HttpRequest) -> HttpResponse:
    """A collector carries it out: ask for it again to see how far it is."""
    given = _checked(body_of(request))
    operation = begin(
        request.user,
        given.get("act", ""),
        _chosen(request.user, given),
        parameters=given.get("parameters"),
        reason=given.get("reason", ""),
        rest=float(given.get("rest", 0.0)),
    )
    return answer(_whole(request.user, operation))


@router.get(
    "operations/{uuid:key}",
    response=OperationOut,
    operation_id="get_operation",
    auth=Session(VIEW_TASK),
)
def get_operation(request: HttpRequest, key: UUID) -> HttpResponse:
    return answer(_whole(request.user, _one(request, key)))


@router.post(
    "operations/{uuid:key}/stop",
    response=OperationOut,
    operation_id="stop_operation",
    auth=Session(VIEW_TASK),
)
def stop_operation(request: HttpRequest, key: UUID) -> HttpResponse:
    """What is being sent at this moment is still sent."""
    stop(request.user, _one(request, key))
    return answer(_whole(request.user, _one(request, key)))


@router.post(
    "operations/{uuid:key}/resume",
    response=OperationOut,
    operation_id="resume_operation",
    auth=Session(VIEW_TASK),
)
def resume_operation(request: HttpRequest, key: UUID) -> HttpResponse:
    """Go on with what waits, under the rights of who began it."""
    resume(request.user, _one(request, key))
    return answer(_whole(request.user, _one(request, key)))


def _one(request: HttpRequest, key: UUID) -> Operation:
    operation = operation_of(request.user, str(key))
    if operation is None:
        raise Http404(_("No operation with this id is kept."))
    return operation


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """Raises ``BadParametersError`` for what is unknown or of another kind."""
    problems = {name: _("is no parameter of this act") for name in given.keys() - _KINDS.keys()}
    for name, kind in _KINDS.items():
        value = given.get(name)
        if name in given and (not isinstance(value, kind) or isinstance(value, bool)):
            problems[name] = _("is of another kind")
    if not all(isinstance(each, str) for each in given.get("ids") or ()):
        problems["ids"] = _("must be texts")
    if problems:
        raise BadParametersError(problems)
    return given


def _chosen(user: User, given: dict[str, Any]) -> Chosen:
    of = operation_of(user, given["of"]) if "of" in given else None
    if "of" in given and of is None:
        raise BadParametersError({"of": _("is no operation that is kept")})
    return Chosen(
        ids=given.get("ids", ()),
        of=of,
        expression=_expression(given["filter"]) if "filter" in given else None,
        bound=moment(given["bound"]) if "bound" in given else timezone.now(),
    )


def _expression(query: str) -> And:
    """Raises ``BadParametersError``: what is misspelt must not pass for no filter at all."""
    names = QueryDict(query)
    unknown = sorted(name for name in names if not is_filter(name))
    if unknown:
        text = _("has %(name)s, which is no filter") % {"name": unknown[0]}
        raise BadParametersError({"filter": text})
    found = parsed(query)
    if not found.parts:
        raise BadParametersError({"filter": _("is empty, which would mean every task")})
    return found


def _item(operation: Operation) -> dict[str, Any]:
    return {
        **{column: getattr(operation, column) for column in COLUMNS},
        "user": operation.user_name,
        "filter": operation.said,
        "of": operation.of_id,
        "action": operation.action_id,
    }


def _whole(user: User, operation: Operation) -> dict[str, Any]:
    odd = [
        {
            "status": each.status,
            "message": each.message,
            "number": each.number,
            "ids": [sample.task_id for sample in each.samples],
        }
        for each in groups(user, operation)
    ]
    return {**_item(operation), "groups": odd}
