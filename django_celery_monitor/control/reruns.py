"""Rows that tie what was sent from here to what it is a re-run of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import Error, router, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.base import Outcome
from django_celery_monitor.control.audit import logger
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.models import Rerun, Task

if TYPE_CHECKING:
    from django_celery_monitor.control.sending_tasks import Plan

_STATUS: Final = {
    Outcome.CONFIRMED: Rerun.Status.SENT,
    Outcome.FAILED: Rerun.Status.NOT_SENT,
    Outcome.REFUSED: Rerun.Status.NOT_SENT,
}


def check_new(task_id: str) -> None:
    """An id is sent once, whatever became of it; raises ``BadParametersError``."""
    if Rerun.objects.filter(task_id=task_id).exists() or Task.objects.filter(pk=task_id).exists():
        text = _("A task of this id was sent before.")
        raise BadParametersError({"new_id": text})


def begin(plan: Plan) -> None:
    """Before the publish: who finds the row as it is here, later, knows that it is unclear."""
    Rerun.objects.create(
        task_id=plan.new_id,
        origin_id=plan.origin_id,
        name=plan.message.name,
        changed=plan.changed,
        sent_at=timezone.now(),
    )


def settle(plan: Plan, outcome: str) -> None:
    """A failure to store it is logged: the row reads "unclear" then."""
    status = _STATUS.get(Outcome(outcome), Rerun.Status.UNCLEAR)
    try:
        with transaction.atomic(using=router.db_for_write(Rerun)):
            Rerun.objects.filter(task_id=plan.new_id).update(status=status)
    except Error:
        text = "Could not record that %s is %s"
        logger.exception(text, plan.new_id, status, extra={"action": "audit_failed"})
