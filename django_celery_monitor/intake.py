"""Stores what was received, however long the database is away and whatever it refuses."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final

from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
)

from django_celery_monitor.upkeep.health import Meter, Totals

if TYPE_CHECKING:
    from django_celery_monitor.ingest.buffer import Received
    from django_celery_monitor.ingest.receiver import Receiver
    from django_celery_monitor.pipeline import Pipeline

logger = logging.getLogger("django_celery_monitor")

# What the database says, or its driver, when it is away or does not take a batch at this moment.
# PostgreSQL that only reads, as after a failover, calls that an internal error.
AWAY: Final = (OperationalError, InterfaceError, InternalError)
# What they say to a value that it cannot hold.
_REFUSED: Final = (DataError, IntegrityError, ArithmeticError, ValueError)
_FIRST_DELAY: Final = 0.5
_MAX_DELAY: Final = 30.0
# Past so many seconds without a commit the broker had better keep the messages.
_HOLD: Final = 60.0
# How long to go on trying, once asked to stop, when the database is away.
_PATIENCE: Final = 10.0


class Intake:
    """``meter`` counts what was stored since the start, ``unsaid`` since ``said``."""

    def __init__(self, pipeline: Pipeline, receiver: Receiver, using: str) -> None:
        self.meter = Meter(time.monotonic())
        self.unsaid = Totals()
        self.changed = False
        self._pipeline = pipeline
        self._receiver = receiver
        self._using = using
        self._stop_at: float | None = None

    @property
    def stopping(self) -> bool:
        return self._stop_at is not None

    def stop(self) -> None:
        """Give up on a database that stays away; safe in a signal handler."""
        self._stop_at = self._stop_at or time.monotonic()

    def store(self, messages: list[Received]) -> bool:
        """Store a batch however long the database is away; ``False`` when stopping meanwhile."""
        delay, since, paused = _FIRST_DELAY, time.monotonic(), False
        while True:
            try:
                self._store([message.body for message in messages], messages[-1].at)
            except AWAY as error:
                if delay == _FIRST_DELAY:
                    self._say_away(error)
                connections[self._using].close()
                now = time.monotonic()
                if self._stop_at and now > self._stop_at + _PATIENCE:
                    logger.error("Stopped with %d messages not stored", len(messages))
                    return False
                if not paused and now > since + _HOLD:
                    paused = True
                    self._receiver.pause()
                self._pause(delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(delay * 2, _MAX_DELAY)
            else:
                if paused:
                    self._receiver.resume()
                return True

    def said(self) -> None:
        """``unsaid`` is stored: count anew."""
        self.unsaid, self.changed = Totals(), False

    def _say_away(self, error: Exception) -> None:
        logger.warning(
            "The database does not take a batch (%s); trying again, at most every %d s",
            str(error).strip(),
            _MAX_DELAY,
            extra={"action": "database_away"},
        )

    def _pause(self, seconds: float) -> None:
        """Sleep so long, or until asked to stop; when asked already, half a second at most."""
        stopping = self.stopping
        until = time.monotonic() + (min(seconds, 0.5) if stopping else seconds)
        while stopping == self.stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _store(self, bodies: list[bytes], came: float) -> None:
        """Store; halve a batch that the database refuses until the one event is found."""
        begun = time.monotonic()
        try:
            outcome = self._pipeline.store(bodies)
        except _REFUSED as error:
            if len(bodies) == 1:
                bodies = self._pipeline.split(bodies[0])
            if len(bodies) > 1:
                middle = len(bodies) // 2
                self._store(bodies[:middle], came)
                self._store(bodies[middle:], came)
                return
            outcome = self._pipeline.quarantine(bodies[0], str(error))
        now = time.monotonic()
        # A clock that is ahead makes events look new, however long they waited here.
        outcome = outcome._replace(lag=max(outcome.lag or 0.0, now - came))
        self.meter.add(outcome, now - begun)
        self.unsaid.add(outcome)
        self.changed = self.changed or bool(outcome.revision)
