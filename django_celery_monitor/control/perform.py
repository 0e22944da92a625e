"""The one way to act: rights, validation, audit, sending, judgement. Every door calls this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import LOOKING, User, get_policy, is_read_only
from django_celery_monitor.access.who import why_not
from django_celery_monitor.celery_app import find_app
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control import audit, sending
from django_celery_monitor.control.acts.base import Act, Aim, Order, Outcome, Result, Values
from django_celery_monitor.control.acts.registry import act_of
from django_celery_monitor.control.content import content_of
from django_celery_monitor.control.denials import Attempt, noted
from django_celery_monitor.control.errors import (
    BadParametersError,
    ControlError,
    DeniedError,
    UnavailableError,
)
from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.control.way import Road, Way
from django_celery_monitor.models import ControlAction

if TYPE_CHECKING:
    from celery import Celery

LONGEST_REASON = 1000


def perform(
    user: User | None,
    act: str | Act,
    parameters: Mapping[str, Any],
    *,
    reason: str = "",
    source: str = ControlAction.Source.PYTHON,
    name: str = "",
    app: Celery | None = None,
) -> ControlAction:
    """Do ``act`` for ``user`` and return its entry in the audit, with the workers' replies.

    Waits at most ``CONTROL_TIMEOUT`` seconds. ``user=None``: for a program that may all, under
    ``name``. What workers told who only asked is in ``told`` of the entry: as it came for a
    program, and for a person what that person may see.

    Raises a ``ControlError``: then nothing was sent, unless it is an ``UnavailableError`` whose
    ``sent`` is true.
    """
    found = act if isinstance(act, Act) else act_of(act)
    way = Way(app or find_app(), get_settings().CONTROL_TIMEOUT)
    attempt = Attempt(
        user=user,
        name=name,
        act=found,
        given=parameters,
        reason=reason,
        source=source,
        app=way.app,
    )
    with noted(attempt):
        order = _order(attempt)
    return _recorded(way, order)


def _order(attempt: Attempt) -> Order:
    permit(attempt.user, attempt.act)
    values = attempt.act.validated(attempt.given)
    return Order(
        user=attempt.user,
        name=attempt.name,
        act=attempt.act,
        values=values,
        aim=attempt.act.aim(attempt.user, values),
        reason=checked_reason(attempt.reason),
        source=attempt.source,
    )


def refuse(attempt: Attempt) -> None:
    """Raises ``DeniedError`` for who may not even try, and records it, as ``perform`` does."""
    with noted(attempt):
        permit(attempt.user, attempt.act)


def step(user: User, act: Act, parameters: Mapping[str, Any], road: Road) -> Result:
    """Part of an operation, of which there is an entry in the audit; else as ``perform``.

    Nobody waits for it at a page, so it may take longer.
    """
    permit(user, act)
    values = act.validated(parameters)
    aim = act.aim(user, values)
    act.begun(aim)
    return _sent(road.way(), act, values, aim)


def _recorded(way: Way, order: Order) -> ControlAction:
    mask = redactor(way.app)
    action = audit.begin(order, mask)
    try:
        result = _sent(way, order.act, order.values, order.aim)
    except UnavailableError as error:
        outcome = Outcome.UNCLEAR if error.sent else Outcome.FAILED
        audit.end(action, Result(outcome=outcome, detail=str(error)), mask)
        raise UnavailableError(mask.text(str(error)), sent=error.sent, action=action) from error
    except ControlError as error:
        audit.end(action, Result(outcome=Outcome.FAILED, detail=str(error)), mask)
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        audit.end(action, Result(outcome=Outcome.UNCLEAR, detail=detail), mask)
        raise
    audit.end(action, result, mask)
    action.content = content_of(way.app, order.user, order.act.name, result.told)
    action.told = result.told
    if order.user is not None:
        action.told = {host: each["content"] for host, each in action.content.items()}
    return action


def permit(user: User | None, act: Act) -> None:
    """Raises ``DeniedError``."""
    if is_read_only() and act.codename not in LOOKING:
        raise DeniedError(why_not(act.codename))
    if user is None or get_policy().can(user, act.codename):
        return
    raise DeniedError(why_not(act.codename), act.codename)


def checked_reason(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        text = _("is longer than %(most)d characters") % {"most": LONGEST_REASON}
        raise BadParametersError({"reason": text})
    return reason


def _sent(way: Way, act: Act, values: Values, aim: Aim) -> Result:
    key = None if act.changes else _key(way.app, act, values, aim)
    try:
        result = sending.run(way, lambda: act.run(way, values, aim), key)
    except Exception as error:
        surely = isinstance(error, ControlError) and not getattr(error, "sent", False)
        act.ended(aim, Outcome.FAILED if surely else Outcome.UNCLEAR)
        raise
    act.ended(aim, result.judge())
    return result


def _key(app: Celery, act: Act, values: Values, aim: Aim) -> object:
    """Equal for the same question to the same workers."""
    asked = [values, aim.hosts, sorted(aim.expected)]
    return id(app), act.name, orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
