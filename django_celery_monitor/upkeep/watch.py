"""Watches the collector's own queue and coverage: every minute, one bounded question each."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from django_celery_monitor.ingest.queues import (
    ARGUMENTS,
    QueueState,
    TransportError,
    look_at,
    passing_errors,
    queue_name,
    short_connection,
)
from django_celery_monitor.models import Gap
from django_celery_monitor.upkeep import gaps, quarantine
from django_celery_monitor.upkeep.collector_run import consumers

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.ingest.receiver import Receiver
    from django_celery_monitor.ingest.subscription import Subscription
    from django_celery_monitor.upkeep.health import Meter

logger = logging.getLogger("django_celery_monitor")

EVERY: Final = 60.0
# After a subscription began: until all runs that are over can be told by their silence.
FIRST: Final = gaps.SETTLED.total_seconds() + 2.0
# Of its limits; past them the broker drops the oldest messages, and says nothing.
FULL: Final = 0.95
_TRIM_EVERY: Final = 10.0


class Watch:
    """``turn`` raises what the database raises; what it could not note it notes later."""

    def __init__(self, app: Celery, using: str, receiver: Receiver, meter: Meter) -> None:
        self._app = app
        self._using = using
        self._name = queue_name(app, receiver.installation)
        self._receiver = receiver
        self._meter = meter
        self._number = 0
        self._next = self._next_trim = 0.0
        self._bad = 0
        # What the subscription began with, until it is judged.
        self._found: Subscription | None = None
        self._crowded = 0
        self._unsaid: list[tuple[Gap.Reason, gaps.Cover]] = []

    def turn(self, now: float) -> None:
        """``now``: any clock that only goes forward, in seconds."""
        self._take_dropped()
        while self._unsaid:
            reason, hole = self._unsaid[0]
            gaps.note(self._using, reason, self._receiver.transport, hole)
            del self._unsaid[0]
        if now >= self._next_trim and self._meter.totals.bad > self._bad:
            self._next_trim = now + _TRIM_EVERY
            if quarantine.trim(self._using) < quarantine.STEP:
                self._bad = self._meter.totals.bad
        subscription = self._receiver.subscription
        if subscription.number != self._number:
            self._number, self._next = subscription.number, now + FIRST
            self._found = subscription
        if now >= self._next and self._receiver.subscribed.is_set():
            self._next = now + EVERY
            if self._receiver.durable:
                self._look()
            else:
                gaps.note_away(self._using, self._receiver.transport, timezone.now())

    def _take_dropped(self) -> None:
        dropped = self._receiver.buffer.take_dropped()
        if dropped:
            self._meter.totals.dropped += dropped.number
            first, last = (datetime.fromtimestamp(at, UTC) for at in dropped[1:])
            self._unsaid.append((Gap.Reason.OVERFLOW, gaps.Cover(first, last)))

    def _look(self) -> None:
        state = self._ask()
        if state == "gone":
            # The next subscription declares it again, and notes the gap.
            self._receiver.renew()
        elif isinstance(state, QueueState):
            self._meter.queue_depth = state.depth
            if self._found and self._is_full(self._found.depth):
                started = datetime.fromtimestamp(self._found.started, UTC)
                since = gaps.left_off(self._using, self._receiver.transport, started)
                self._note_overflow(self._found.depth, since or started)
            if self._is_full(state.depth):
                # The oldest are dropped: those that are about to be stored, as old as the lag.
                age = max(self._meter.totals.lag or 0.0, 2 * EVERY)
                self._note_overflow(state.depth, timezone.now() - timedelta(seconds=age))
            self._found = None
            self._count(state.consumers)

    def _ask(self) -> QueueState | str:
        try:
            with short_connection(self._app) as connection:
                return look_at(connection, self._name) or "gone"
        except TransportError as error:
            return str(error)
        except passing_errors(self._app.connection_for_read()) as error:
            logger.debug("Could not look at the queue: %s", error)
            return str(error)

    def _is_full(self, depth: int) -> bool:
        filled = depth / ARGUMENTS["x-max-length"]
        # The broker tells no bytes; those that came before are the measure.
        size = depth * self._receiver.buffer.mean_size
        return bool(max(filled, size / ARGUMENTS["x-max-length-bytes"]) >= FULL)

    def _note_overflow(self, depth: int, since: datetime) -> None:
        logger.warning(
            "The queue %s is full: %d messages wait, and the broker drops the oldest",
            *(self._name, depth),
            extra={"action": "overflow", "depth": depth},
        )
        self._unsaid.append((Gap.Reason.OVERFLOW, gaps.Cover(since, timezone.now())))

    def _count(self, number: int) -> None:
        crowded = number > consumers(self._using, self._receiver.transport)
        self._crowded = self._crowded + 1 if crowded else 0
        # Once may be a sibling that has just begun, and has no row yet.
        if self._crowded == 2:
            logger.error(
                "The queue %s has a consumer that is no collector of this database; each gets a"
                " part of the events",
                self._name,
                extra={"action": "crowded"},
            )
