"""How an operation changes hands, and how it ends."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.models import ControlAction, Operation, OperationItem

Status = Operation.Status
Item = OperationItem.Status
Outcome = ControlAction.Outcome
ACTIVE: Final = (Status.QUEUED, Status.RUNNING, Status.STOPPING)


def take_over(operation: Operation, runner: str, using: str) -> bool:
    """Whether it is this runner's now. What another one was sending is unclear for ever."""
    rows = Operation.objects.using(using).filter(pk=operation.pk)
    with transaction.atomic(using=using):
        # Of two that want it at once, the second finds the other's name.
        if not rows.filter(runner=operation.runner, status__in=ACTIVE).update(runner=runner):
            return False
        rows.filter(status=Status.QUEUED).update(
            status=Status.RUNNING, started_at=Coalesce("started_at", timezone.now())
        )
        sending = OperationItem.objects.using(using).filter(
            operation=operation.pk, status=Item.SENDING
        )
        text = _("The collector ended while it sent this: it may have been sent.")
        lost = sending.update(status=Item.UNCLEAR, message=text)
        rows.update(unclear=F("unclear") + lost)
    operation.refresh_from_db(using=using)
    return True


def end(operation: Operation, runner: str, status: str, using: str, detail: str = "") -> None:
    rows = Operation.objects.using(using).filter(pk=operation.pk)
    moment = timezone.now()
    own = rows.filter(runner=runner, status__in=ACTIVE)
    if own.update(status=status, ended_at=moment, detail=detail):
        operation.refresh_from_db(using=using)
        ControlAction.objects.using(using).filter(pk=operation.action_id or 0).update(
            ended_at=moment,
            outcome=_outcome(operation),
            detail=detail or _summary(operation),
            target_count=operation.matched,
        )


def _outcome(operation: Operation) -> str:
    if operation.done:
        whole = operation.done == operation.matched
        return Outcome.CONFIRMED if whole else Outcome.PARTLY
    return Outcome.UNCLEAR if operation.unclear else Outcome.FAILED


def _summary(operation: Operation) -> str:
    text = _(
        "%(done)d of %(matched)d done, %(skipped)d skipped, %(failed)d failed, %(unclear)d unclear."
    )
    names = ("done", "matched", "skipped", "failed", "unclear")
    return text % {name: getattr(operation, name) for name in names}
