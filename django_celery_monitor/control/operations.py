"""Operations as people see them: begun, stopped, resumed. ``upkeep`` carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import router, transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.celery_app import find_app
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control import audit
from django_celery_monitor.control.acts.base import Aim, Order, Target
from django_celery_monitor.control.denials import Attempt, noted
from django_celery_monitor.control.errors import BadParametersError, DeniedError
from django_celery_monitor.control.perform import checked_reason, permit, refuse
from django_celery_monitor.control.redaction import names_secret, redactor
from django_celery_monitor.control.verbs import PER_TASK, Verb, verb_of
from django_celery_monitor.filters import And, from_params, is_private, spelled, to_params
from django_celery_monitor.filters.pinned import pinned
from django_celery_monitor.models import (
    ControlAction,
    ControlTarget,
    Operation,
    OperationItem,
)

Status = Operation.Status
MOST_IDS = 1000
RESTS = (0.0, 2.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which tasks are meant: with ``ids``, those that failed in ``of``, or those of a filter.

    ``bound``: tasks of a later time are not.
    """

    ids: Sequence[str] = ()
    of: Operation | None = None
    expression: And | None = None
    bound: datetime = field(default_factory=timezone.now)


def begin(
    user: User,
    act: str,
    chosen: Chosen,
    *,
    parameters: Mapping[str, Any] | None = None,
    reason: str = "",
    rest: float = 0.0,
) -> Operation:
    """Queue it. Raises a ``ControlError``, and then there is none."""
    verb = verb_of(act)
    chosen = replace(chosen, ids=tuple(dict.fromkeys(chosen.ids)))
    given = dict(parameters or {})
    with noted(_attempt(user, verb, chosen, reason)):
        permit(user, verb.act)
        _refuse(user, chosen, rest)
    order = _order(user, verb, chosen, given, checked_reason(reason))
    with transaction.atomic(using=router.db_for_write(Operation)):
        action = audit.begin(order, redactor(find_app()), sends=False)
        operation = _operation(chosen, action)
        operation.act, operation.parameters, operation.rest = act, given, rest
        operation.save(force_insert=True)
        items = [OperationItem(operation=operation, task_id=each) for each in chosen.ids]
        OperationItem.objects.bulk_create(items, batch_size=500)
    return operation


def _operation(chosen: Chosen, action: ControlAction) -> Operation:
    now = timezone.now()
    fixed = pinned(chosen.expression) if chosen.expression else None
    return Operation(
        filter=to_params(fixed).urlencode() if fixed else "",
        said=action.target_filter,
        bound=min(chosen.bound, now),
        of=chosen.of,
        user_id=action.user_id,
        user_name=action.user_name,
        reason=action.reason,
        created_at=now,
        collected=bool(chosen.ids),
        matched=len(chosen.ids),
        action=action,
    )


def stop(user: User, operation: Operation) -> None:
    """What is being sent at this moment is still sent. Raises ``DeniedError``."""
    refuse(_of_one(user, operation))
    rows = Operation.objects.filter(pk=operation.pk)
    rows.filter(status=Status.QUEUED).update(status=Status.STOPPED, ended_at=timezone.now())
    rows.filter(status=Status.RUNNING).update(status=Status.STOPPING)


def resume(user: User, operation: Operation) -> None:
    """Go on with what waits, under the rights of who began it. Raises ``DeniedError``."""
    refuse(_of_one(user, operation))
    rows = Operation.objects.filter(pk=operation.pk, status=Status.STOPPED)
    rows.update(status=Status.QUEUED, detail="", ended_at=None)


def parsed(query: str) -> And:
    """The filter of an address; raises ``FilterError``."""
    return from_params(QueryDict(query))


def _refuse(user: User, chosen: Chosen, rest: float) -> None:
    if rest not in RESTS:
        raise BadParametersError({"rest": _("must be one of %(s)s") % {"s": _listed(RESTS)}})
    most = min(MOST_IDS, get_settings().OPERATION_MAX)
    if len(chosen.ids) > most or any(map(_is_no_id, chosen.ids)):
        raise BadParametersError({"ids": _("must be at most %(most)d ids") % {"most": most}})
    if not chosen.ids and chosen.of is None and chosen.expression is None:
        raise BadParametersError({"ids": _("are missing")})
    permit_filter(user, chosen.expression)
    if chosen.expression is not None and names_secret(to_params(chosen.expression).urlencode()):
        raise BadParametersError({"filter": _("has a secret, which is masked in every task")})


def permit_filter(user: User, expression: And | None) -> None:
    """Raises ``DeniedError`` where it would find hidden texts out."""
    private = expression is not None and is_private(expression)
    if private and not get_policy().can(user, VIEW_TASK_ARGUMENTS):
        text = _("This filter needs the right to see arguments and results.")
        raise DeniedError(text, VIEW_TASK_ARGUMENTS)


def _is_no_id(text: str) -> bool:
    return not 0 < len(text) <= 255 or "\0" in text


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{each:g}" for each in numbers)


def _values(verb: Verb, parameters: dict[str, Any]) -> dict[str, Any]:
    """Of the act, but for the tasks; raises ``BadParametersError``."""
    example = OperationItem(task_id="a", new_id="00000000-0000-5000-8000-000000000000")
    values = verb.act.validated(verb.parameters([example], parameters))
    own = {each.name: each.default for each in verb.act.parameters if each.name in PER_TASK}
    return values | own


def _order(
    user: User, verb: Verb, chosen: Chosen, parameters: dict[str, Any], reason: str
) -> Order:
    aim = Aim(
        targets=tuple(Target(ControlTarget.Kind.TASK, each) for each in chosen.ids),
        count=len(chosen.ids),
        filter=_said(chosen),
    )
    return Order(
        user=user,
        act=verb.act,
        values=_values(verb, parameters),
        aim=aim,
        reason=reason,
        source=ControlAction.Source.OPERATION,
    )


def _said(chosen: Chosen) -> str:
    if chosen.of is not None:
        return _("those that failed in the operation %(id)s") % {"id": chosen.of.pk}
    return spelled(chosen.expression) if chosen.expression else ""


def _of_one(user: User, operation: Operation) -> Attempt:
    said = _("the operation %(id)s") % {"id": operation.pk}
    source = ControlAction.Source.OPERATION
    return Attempt(user=user, act=verb_of(operation.act).act, said=said, source=source)


def _attempt(user: User, verb: Verb, chosen: Chosen, reason: str = "") -> Attempt:
    ids = tuple(each for each in chosen.ids[:MOST_IDS] if not _is_no_id(each))
    source = ControlAction.Source.OPERATION
    return Attempt(
        user=user, act=verb.act, ids=ids, said=_said(chosen), reason=reason, source=source
    )
