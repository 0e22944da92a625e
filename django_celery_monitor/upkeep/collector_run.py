"""``CollectorRun`` rows: who listened to the broker, and when."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections
from django.db.models import F, QuerySet
from django.utils import timezone

from django_celery_monitor.models import CollectorRun, Installation
from django_celery_monitor.upkeep import gaps
from django_celery_monitor.upkeep.health import Health, Totals

if TYPE_CHECKING:
    from django_celery_monitor.events import Timestamp
    from django_celery_monitor.ingest.subscription import Ended, Subscription

# A broker may take so long to notice that a consumer is gone.
_LINGERS: Final = timedelta(seconds=180)


def installation_id(using: str) -> UUID:
    """The id of this database's installation, made when it is first asked for."""
    row, _created = Installation.objects.using(using).get_or_create(pk=1)
    return row.uuid


def consumers(using: str, transport: str) -> int:
    """How many consumers of the queue may be collectors of this database."""
    return (
        CollectorRun.objects.using(using)
        .filter(transport=transport, ended_at=None, last_seen_at__gt=timezone.now() - _LINGERS)
        .count()
    )


def siblings(using: str, transport: str) -> int:
    """``consumers``, asked in a thread of its own; 0 while the database is away."""
    try:
        return consumers(using, transport)
    except (OperationalError, InterfaceError):
        return 0
    finally:
        connections[using].close()


class RunLog:
    """The row of the present subscription."""

    def __init__(self, using: str, transport: str) -> None:
        self._using = using
        self._transport = transport
        self._pk: int | None = None
        self._number = 0

    def knows(self, subscription: Subscription) -> bool:
        return self._pk is not None and subscription.number == self._number

    def seen(
        self,
        subscription: Subscription,
        ended: Ended | None,
        health: Health,
        unsaid: Totals,
        *,
        changed: bool,
    ) -> None:
        """Renew the row, adding what was stored since; a new subscription gets a new row.

        ``ended``: how the one before ended.
        """
        now = timezone.now()
        values: dict[str, Any] = {
            "last_seen_at": now,
            "lag": unsaid.lag,
            "events": F("events") + unsaid.events,
            "bad_events": F("bad_events") + unsaid.bad,
            "late_events": F("late_events") + unsaid.late,
            "rate": health.rate,
            "batch_seconds": health.batch_seconds,
            "queue_depth": health.queue_depth,
        }
        if changed:
            values["committed_at"] = now
        if not (self.knows(subscription) and self._rows().update(**values)):
            self._begin(subscription, ended)
            self._rows().update(**values)

    def _begin(self, subscription: Subscription, ended: Ended | None) -> None:
        if subscription.new_queue:
            # Before the row says how far it listened: what waited in the queue was not stored.
            gaps.note_new_queue(self._using, self._transport, _moment(subscription.started))
        self.end(ended)
        run = CollectorRun.objects.using(self._using).create(
            node=socket.gethostname(),
            pid=os.getpid(),
            transport=self._transport,
            started_at=_moment(subscription.started),
            last_seen_at=timezone.now(),
        )
        self._pk, self._number = run.pk, subscription.number

    def end(self, ended: Ended | None) -> None:
        """The subscription is over; without ``ended``, now and because the process stops."""
        if self._pk is None:
            return
        at, by = timezone.now(), "stopped"
        if ended and ended.number == self._number:
            at, by = _moment(ended.at), ended.by
        elif ended:
            by = "connection lost"
        self._rows().update(last_seen_at=at, ended_at=at, ended_by=by)
        self._pk = None

    def _rows(self) -> QuerySet[CollectorRun]:
        return CollectorRun.objects.using(self._using).filter(pk=self._pk or 0)


def _moment(timestamp: Timestamp) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
