"""All acts, by name."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.abort import Abort
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.inspections import INSPECTIONS
from django_celery_monitor.control.acts.pools import Autoscale, PoolGrow, PoolRestart, PoolShrink
from django_celery_monitor.control.acts.queues import Purge
from django_celery_monitor.control.acts.retry import Retry
from django_celery_monitor.control.acts.send import Send
from django_celery_monitor.control.acts.tasks import (
    Revoke,
    RevokeByStamps,
    Terminate,
    TerminateByStamps,
)
from django_celery_monitor.control.acts.workers import (
    AddConsumer,
    CancelConsumer,
    DisableEvents,
    EnableEvents,
    Heartbeat,
    RateLimit,
    Shutdown,
    TimeLimit,
)
from django_celery_monitor.control.errors import UnknownActError

CLASSES: Final[tuple[type[Act], ...]] = (
    *(Revoke, Terminate, RevokeByStamps, TerminateByStamps, Abort),
    *(Retry, Send),
    *(RateLimit, TimeLimit, PoolGrow, PoolShrink, PoolRestart, Autoscale),
    *(AddConsumer, CancelConsumer, EnableEvents, DisableEvents, Heartbeat, Shutdown, Purge),
    *INSPECTIONS,
)
ACTS: Final[dict[str, Act]] = {each.name: each() for each in CLASSES}


def act_of(name: str) -> Act:
    """Raises ``UnknownActError``."""
    found = ACTS.get(name)
    if found is None:
        raise UnknownActError(_("There is no act %(name)s.") % {"name": name})
    return found
