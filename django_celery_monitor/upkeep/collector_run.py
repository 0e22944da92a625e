"""``CollectorRun`` rows: who listened to the broker, and when."""

from __future__ import annotations

import os
import socket
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from django_celery_monitor.models import CollectorRun, Installation


def installation_id(using: str) -> UUID:
    """The id of this database's installation, made when it is first asked for."""
    row, _created = Installation.objects.using(using).get_or_create(pk=1)
    return row.uuid


class RunLog:
    """The row of the present subscription."""

    def __init__(self, using: str, transport: str) -> None:
        self._using = using
        self._transport = transport
        self._pk: int | None = None
        self._subscription = 0

    def _begin(self, subscription: int) -> None:
        self.end()
        now = timezone.now()
        run = CollectorRun.objects.using(self._using).create(
            node=socket.gethostname(),
            pid=os.getpid(),
            transport=self._transport,
            started_at=now,
            last_seen_at=now,
        )
        self._pk, self._subscription = run.pk, subscription

    def seen(
        self,
        subscription: int,
        *,
        events: int,
        bad: int,
        late: int,
        lag: float | None,
        changed: bool,
    ) -> None:
        """Renew the row, adding what was stored since; a new subscription gets a new row."""
        now = timezone.now()
        values: dict[str, Any] = {
            "last_seen_at": now,
            "lag": lag,
            "events": F("events") + events,
            "bad_events": F("bad_events") + bad,
            "late_events": F("late_events") + late,
        }
        if changed:
            values["committed_at"] = now
        known = self._pk is not None and subscription == self._subscription
        if not (known and self._rows().update(**values)):
            self._begin(subscription)
            self._rows().update(**values)

    def end(self) -> None:
        if self._pk is not None:
            now = timezone.now()
            self._rows().update(last_seen_at=now, ended_at=now)
            self._pk = None

    def _rows(self) -> QuerySet[CollectorRun]:
        return CollectorRun.objects.using(self._using).filter(pk=self._pk or 0)
