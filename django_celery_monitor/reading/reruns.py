"""What a task is a re-run of, and what it was run again as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.conf import get_settings
from django_celery_monitor.models import Rerun

SHOWN: Final = 10
# That a process may take longer than its acts may.
_GRACE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One re-run; ``status`` as it is to be read."""

    row: Rerun
    status: str

    @property
    def label(self) -> str:
        return str(Rerun.Status(self.status).label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reruns:
    """``of``: how this task was sent from here; ``as_``: its re-runs, newest first."""

    of: Sent | None
    as_: list[Sent]
    more: bool


def reruns(user: User, task_id: str) -> Reruns:
    """As far as ``user`` may see their origins."""
    now = timezone.now()
    rows = get_policy().visible(user, Rerun.objects.all())
    own = rows.filter(task_id=task_id).first()
    found = list(rows.filter(origin_id=task_id).order_by("-id")[: SHOWN + 1])
    every = [Sent(row=each, status=status_of(each, now)) for each in found]
    of = Sent(row=own, status=status_of(own, now)) if own else None
    return Reruns(of=of, as_=every[:SHOWN], more=len(every) > SHOWN)


def status_of(row: Rerun, now: datetime) -> str:
    """Whoever was sending it for so long died over it."""
    patience = timedelta(seconds=get_settings().CONTROL_TIMEOUT) + _GRACE
    if row.status == Rerun.Status.SENDING and row.sent_at < now - patience:
        return Rerun.Status.UNCLEAR
    return row.status
