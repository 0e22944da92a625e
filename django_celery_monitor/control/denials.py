"""Attempts at what somebody may not do: entries of the audit, of which no loop makes a flood."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router, transaction
from django.db.models import F, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import User
from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control import audit
from django_celery_monitor.control.acts.aiming import is_open
from django_celery_monitor.control.acts.base import Act, Aim, Order, Target
from django_celery_monitor.control.errors import (
    BadParametersError,
    DeniedError,
    UnknownTargetError,
)
from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.models import ControlAction, ControlTarget

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

Denied = ControlAction.Outcome.DENIED
Kind = ControlTarget.Kind
# Entries that one person gets in this time; what is tried beyond is counted on one of them.
MOST: Final = 20
WINDOW: Final = timedelta(hours=1)
# Among so many of the person's newest entries the others are looked for.
_LOOKED: Final = 10 * MOST
# Parameters that name what an act is meant for.
_NAMING: Final = {
    "ids": Kind.TASK,
    "id": Kind.TASK,
    "rerun_of": Kind.TASK,
    "workers": Kind.WORKER,
    "queue": Kind.QUEUE,
    "task": Kind.TYPE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """``user`` is ``None`` for a program, ``name`` its name then; ``given`` as it came.

    ``ids``: tasks besides those that ``given`` names; ``said``: the filter that chooses them.
    """

    user: User | None
    act: Act
    source: str
    name: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    said: str = ""
    reason: str = ""
    app: Celery | None = None


@contextmanager
def noted(attempt: Attempt) -> Iterator[None]:
    """Records that what is raised inside denied it."""
    try:
        yield
    except DeniedError as error:
        _note(attempt, str(error))
        raise
    except UnknownTargetError as error:
        # To who may see some rows only, others are not there: but to reach for them is told.
        if attempt.user is not None and not is_open(attempt.user):
            _note(attempt, _("Not there, or not for this person: %(why)s") % {"why": error})
        raise


def _note(attempt: Attempt, why: str) -> None:
    """Never raises: who is refused is refused, recorded or not."""
    # Strangers are asked who they are; they could fill the table from anywhere.
    if attempt.user is not None and attempt.user.pk is None:
        return
    try:
        with transaction.atomic(using=router.db_for_write(ControlAction)):
            _keep(*_entry(attempt, why))
    except (Error, ImproperlyConfigured):
        text = "Could not record that %s was denied"
        logger.exception(text, attempt.act.name, extra={"action": "audit_failed"})


def _entry(attempt: Attempt, why: str) -> tuple[ControlAction, list[ControlTarget]]:
    masks = redactor(attempt.app or find_app())
    try:
        values = attempt.act.validated(attempt.given)
    except BadParametersError:
        values = {}
    aimed = (*_named(values), *(Target(Kind.TASK, each) for each in attempt.ids))
    order = Order(
        user=attempt.user,
        name=attempt.name,
        act=attempt.act,
        values=values,
        aim=Aim(targets=aimed, count=len(aimed), filter=attempt.said),
        reason=attempt.reason,
        source=attempt.source,
    )
    action = audit.entry(order, masks)
    action.outcome, action.ended_at = Denied, action.started_at
    action.detail = audit.told(why, masks)
    return action, audit.targets(order, action)


def _named(values: Mapping[str, Any]) -> Iterator[Target]:
    for name, kind in _NAMING.items():
        found = values.get(name) or ()
        for each in (found,) if isinstance(found, str) else found:
            yield Target(kind, each)


def _keep(action: ControlAction, targets: list[ControlTarget]) -> None:
    """As an entry of its own, or on one that there is."""
    rows = ControlAction.objects
    newest = rows.filter(user_name=action.user_name).order_by("-pk")
    since = timezone.now() - WINDOW
    recent = [
        each
        for each in newest.only("user_id", "act", "outcome", "started_at")[:_LOOKED]
        if each.outcome == Denied and each.started_at > since and each.user_id == action.user_id
    ]
    prefetch_related_objects(recent, "targets")
    same = [each for each in recent if each.act == action.act]
    aimed = _aimed(targets)
    found = next((each for each in same if _aimed(each.targets.all()) == aimed), None)
    if found is None and len(recent) >= MOST:
        found = (same or recent)[0]
    if found is None:
        action.save(force_insert=True)
        ControlTarget.objects.bulk_create(targets)
    else:
        again = {"repeated": F("repeated") + 1, "ended_at": action.started_at}
        rows.filter(pk=found.pk).update(**again)


def _aimed(targets: Any) -> set[tuple[str, str]]:
    return {(each.kind, each.value) for each in targets}
