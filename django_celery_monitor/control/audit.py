"""Writing the audit: the entry before anything is sent, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from django.db import Error, router, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.base import Act, Order, Result
from django_celery_monitor.control.errors import AuditError
from django_celery_monitor.ingest import judge
from django_celery_monitor.models import ControlAction, ControlTarget

if TYPE_CHECKING:
    from django_celery_monitor.ingest.redact import Redactor

logger = logging.getLogger("django_celery_monitor")

Outcome = ControlAction.Outcome

# Targets, entries of a list among the arguments, and workers that an entry names.
MOST_TARGETS: Final = 100
MOST_WORKERS: Final = 500
LONGEST: Final = 2000
_NAME: Final = 255


def begin(order: Order, redactor: Redactor, *, sends: bool = True) -> ControlAction:
    """The entry, stored; raises ``AuditError`` when that fails for an act that changes something.

    Of an act that only asks, the entry has no primary key then. ``sends``: the act follows at once,
    so the entry has to be committed here, and not with what somebody else has begun.
    """
    action = entry(order, redactor)
    durable = sends and order.act.changes
    try:
        with transaction.atomic(using=router.db_for_write(ControlAction), durable=durable):
            action.save(force_insert=True)
            ControlTarget.objects.bulk_create(targets(order, action))
            order.act.begun(order.aim)
    # Django's for what is not durable.
    except RuntimeError as error:
        text = _("Inside of a transaction this could not be recorded before it is done: not done.")
        raise AuditError(text) from error
    except Error as error:
        action.pk = None
        logger.exception("Could not record %s", action.act, extra={"action": "audit_failed"})
        if order.act.changes:
            raise AuditError(_("This could not be recorded, so it was not done.")) from error
    return action


def entry(order: Order, redactor: Redactor) -> ControlAction:
    """Not stored; without arguments where there are no values."""
    user, aim = order.user, order.aim
    return ControlAction(
        user_id="" if user is None else str(user.pk or "")[:_NAME],
        user_name=judge.scrub(order.name if user is None else name_of(user))[:_NAME],
        reason=told(order.reason, redactor),
        act=order.act.name,
        target_count=aim.count,
        target_filter=judge.cut(_filter(aim.filter, redactor), LONGEST),
        arguments=arguments(order.act, order.values, redactor) if order.values else {},
        source=order.source,
        started_at=timezone.now(),
    )


def targets(order: Order, action: ControlAction) -> list[ControlTarget]:
    return [
        ControlTarget(action=action, kind=each.kind, value=each.value)
        for each in order.aim.targets[:MOST_TARGETS]
    ]


def told(text: str, redactor: Redactor) -> str:
    """A text that may be stored."""
    return judge.cut(redactor.text(judge.scrub(text)), LONGEST)


def name_of(user: Any) -> str:
    """``AnonymousUser`` has a name too: an empty one."""
    return str(user.get_username()) if hasattr(user, "get_username") else str(user)


def _filter(query: str, redactor: Redactor) -> str:
    """Perhaps as in an address, where signs that show what is secret are written otherwise."""
    pairs = parse_qsl(query, keep_blank_values=True)
    masked = [(name, redactor.value(value, name)) for name, value in pairs]
    return redactor.text(query) if masked == pairs else urlencode(masked)


def end(action: ControlAction, result: Result, redactor: Redactor) -> None:
    """Store what came of it; a failure to do so is logged, since the act was done."""
    action.ended_at = timezone.now()
    action.outcome = result.judge()
    action.detail = told(result.detail, redactor)
    action.replies = {
        judge.cut(host, _NAME): {
            "verdict": reply.verdict.value,
            "text": told(reply.text, redactor),
        }
        for host, reply in sorted(result.replies.items())[:MOST_WORKERS]
    }
    action.silent = [judge.cut(host, _NAME) for host in sorted(result.silent)[:MOST_WORKERS]]
    logger.info(
        "%s by %s: %s", action.act, action.user_name, action.outcome, extra={"action": "control"}
    )
    pk: Any = action.pk
    if pk is None:
        return
    try:
        action.save(update_fields=["ended_at", "outcome", "detail", "replies", "silent"])
    except Error:
        text = "Could not record what came of %s (%s)"
        logger.exception(text, action.act, action.outcome, extra={"action": "audit_failed"})


def arguments(act: Act, values: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """What was given, without what the entry's targets say, and never at more than some length."""
    kept = {
        each.name: values[each.name]
        for each in act.parameters
        if values.get(each.name) != each.default and each.name not in ("ids", "workers")
    }
    made = {name: redactor.value(judge.scrub(value), name) for name, value in kept.items()}
    return made | {
        name: each for name, each in act.masked(dict(values), redactor).items() if name in kept
    }
