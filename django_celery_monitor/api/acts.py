"""``POST acts/{name}`` for every act, and what was done: ``GET actions``."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router

from django_celery_monitor.access.policy import VIEW_ACTION
from django_celery_monitor.api.answers_of_acts import ActionOut, ActionPage, DoneOut
from django_celery_monitor.api.auth import Session
from django_celery_monitor.api.bodies import body_of, described
from django_celery_monitor.api.questions import PAGING, documented, limit_of, refuse_unknown
from django_celery_monitor.api.render import answer
from django_celery_monitor.api.tried import trying
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction
from django_celery_monitor.reading.audit import Eyes, actions_for, audit_page

FILTERS: Final = {
    "user": "The name of a person.",
    "act": "The name of an act.",
    "target": "An id or a name, or kind:value, such as worker:w1@host.",
    "outcome": "An outcome, such as denied.",
    "source": "page, admin, api, command, python or operation.",
    "after": "Not before this time: ISO 8601, or how long ago, such as 15m, 2h or 7d.",
    "before": "Before this time.",
}
COLUMNS: Final = (
    *("act", "user_id", "reason", "target_count", "target_filter", "arguments", "source"),
    "started_at",
    *("ended_at", "outcome", "detail", "repeated", "replies", "silent"),
)
_LARGEST_KEY: Final = 2**63

router = Router(tags=["acts"])


@router.get(
    "actions",
    response=ActionPage,
    operation_id="list_actions",
    auth=Session(VIEW_ACTION),
    openapi_extra=documented({**FILTERS, **PAGING}),
)
def list_actions(request: HttpRequest) -> HttpResponse:
    """What was done, newest first. Filters must all hold."""
    refuse_unknown(request, {**FILTERS, **PAGING})
    given = request.GET.dict()
    page = audit_page(request.user, given, str(given.get("cursor", "")), limit_of(request))
    items = [_item(each) for each in page.items]
    return answer({"items": items, "next": page.older})


@router.get(
    "actions/{int:action_id}",
    response=ActionOut,
    operation_id="get_action",
    auth=Session(VIEW_ACTION),
)
def get_action(request: HttpRequest, action_id: int) -> HttpResponse:
    """One act by its id."""
    rows = actions_for(request.user).filter(pk=min(action_id, _LARGEST_KEY - 1))
    found = rows.prefetch_related("targets").first()
    if found is None:
        raise Http404(_("No act with this id is kept."))
    return answer(_item(Eyes(request.user).see(found)))


def _item(action: ControlAction) -> dict[str, Any]:
    targets = [{"kind": each.kind, "value": each.value} for each in _targets(action)]
    return {
        "id": action.pk,
        "user": action.user_name,
        "targets": targets,
        **{column: getattr(action, column) for column in COLUMNS},
    }


def _targets(action: ControlAction) -> list[Any]:
    pk: Any = action.pk
    return [] if pk is None else list(action.targets.all())


def _door(act: Act) -> None:
    def do(request: HttpRequest) -> HttpResponse:
        given = body_of(request)
        reason = given.pop("reason", "")
        source = ControlAction.Source.API
        action = perform(request.user, act, given, reason=reason, source=source)
        item = _item(Eyes(request.user).see(action))
        return answer({**item, "lasting": str(act.lasting), "told": action.content})

    router.post(
        f"acts/{act.name}",
        response=DoneOut,
        operation_id=f"do_{act.name}",
        url_name=f"do_{act.name}",
        summary=str(act.label),
        description=str(act.help),
        auth=Session(act.codename, trying(act)),
        openapi_extra={"requestBody": _body(act)},
    )(do)


def _body(act: Act) -> dict[str, Any]:
    reason = {"type": "string", "maxLength": 1000, "description": "Why; kept in the audit."}
    properties = {**{each.name: each.schema() for each in act.parameters}, "reason": reason}
    return described(properties, [each.name for each in act.parameters if each.required])


for _act in ACTS.values():
    _door(_act)
