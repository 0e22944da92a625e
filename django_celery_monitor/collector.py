"""The process that ``manage.py celerymonitor`` runs: receives, stores and announces, for ever."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final

from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    router,
)

from django_celery_monitor.control.task_events import enable_events
from django_celery_monitor.ingest.queues import passing_errors
from django_celery_monitor.models import Task
from django_celery_monitor.upkeep.collector_run import RunLog
from django_celery_monitor.upkeep.settler import Settler
from django_celery_monitor.upkeep.sweeper import Sweeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from django_celery_monitor.ingest.receiver import Received, Receiver
    from django_celery_monitor.pipeline import Outcome, Pipeline, Publisher

logger = logging.getLogger("django_celery_monitor")

_SEEN_EVERY: Final = 2.0
_ENABLE_EVERY: Final = 10.0
_MAX_DELAY: Final = 30.0
# What a database or its driver says to a value that it cannot hold.
_REFUSED: Final = (DataError, IntegrityError, ArithmeticError, ValueError)
# Longer than the receiver takes to notice that it is to stop.
_LAST_WAIT: Final = 0.5
# With more seconds of lag a silence may be that of events that wait to be stored.
_BEHIND: Final = 10.0
# How long to go on trying, once asked to stop, when the database is away.
_PATIENCE: Final = 10.0


class Totals:
    """What a collector did since it started, for its status line and its log."""

    def __init__(self) -> None:
        self.events = self.tasks = self.bad = self.late = self.batches = 0
        self.lag: float | None = None

    def add(self, outcome: Outcome) -> None:
        self.batches += 1
        self.events += outcome.events
        self.tasks += outcome.tasks
        self.bad += outcome.bad
        self.late += outcome.late
        self.lag = outcome.lag if outcome.lag is not None else self.lag


class Collector:
    """``run`` returns after ``stop``, when all that was received is stored.

    ``on_turn`` is called at every turn of the loop, several times a second.
    """

    def __init__(
        self,
        app: Celery,
        receiver: Receiver,
        pipeline: Pipeline,
        publisher: Publisher,
        *,
        batch_size: int,
        flush_interval: float,
        enable: bool = True,
        on_turn: Callable[[Totals], None] = lambda _totals: None,
    ) -> None:
        self.totals = Totals()
        self._app = app
        self._receiver = receiver
        self._pipeline = pipeline
        self._publisher = publisher
        self._batch_size = batch_size
        self._flush_interval = flush_interval
        self._enable = enable
        self._on_turn = on_turn
        self._using = router.db_for_write(Task)
        self._runs = RunLog(self._using, receiver.transport)
        self._sweeper = Sweeper(self._using)
        self._settler = Settler(app, self._using, pipeline.settle)
        self._stop_at: float | None = None
        self._subscription = 0
        self._next_seen = self._next_enable = self._caught_up = 0.0
        self._unsaid = Totals()
        self._changed = False

    def stop(self) -> None:
        """Ask the loop to store what it holds and return; safe in a signal handler."""
        self._stop_at = self._stop_at or time.monotonic()

    def run(self) -> None:
        """Raises ``TransportError`` when the broker cannot carry events."""
        self._receiver.start()
        try:
            while self._turn():
                pass
        finally:
            self._receiver.close()
            self._publisher.close()
            if self._subscription:
                self._guarded(self._say_seen)
            self._guarded(self._runs.end)

    def _turn(self) -> bool:
        if self._receiver.error:
            raise self._receiver.error
        if self._stop_at:
            self._receiver.stop()
        within = max(self._flush_interval, _LAST_WAIT if self._stop_at else 0.0)
        messages = self._receiver.take(self._batch_size, within)
        if messages:
            if not self._store_patiently(messages):
                return False
            self._receiver.acknowledge(messages)
            if (self.totals.lag or 0.0) > _BEHIND:
                self._caught_up = time.monotonic()
        self._publisher.flush()
        self._keep_up(time.monotonic())
        self._on_turn(self.totals)
        return bool(messages) or not self._stop_at

    def _keep_up(self, now: float) -> None:
        """What is due by the clock: the subscription's row, and events of workers."""
        subscribed = self._receiver.subscribed.is_set()
        if subscribed and self._subscription != self._receiver.subscription:
            self._subscription = self._receiver.subscription
            self._next_seen = self._next_enable = self._caught_up = now
        if subscribed and now >= self._next_seen:
            self._next_seen = now + _SEEN_EVERY
            self._guarded(self._say_seen)
        if subscribed and self._enable and now >= self._next_enable:
            self._next_enable = now + _ENABLE_EVERY
            self._enable_events()
        self._guarded(lambda: self._sweeper.turn(now))
        if subscribed:
            self._guarded(lambda: self._settler.turn(now, now - self._caught_up))

    def _say_seen(self) -> None:
        unsaid = self._unsaid
        self._runs.seen(
            self._subscription,
            events=unsaid.events,
            bad=unsaid.bad,
            late=unsaid.late,
            lag=unsaid.lag,
            changed=self._changed,
        )
        self._unsaid, self._changed = Totals(), False

    def _enable_events(self) -> None:
        with self._app.connection_for_write() as connection:
            try:
                enable_events(self._app, connection)
            except passing_errors(connection) as error:
                logger.debug("Could not ask workers for events: %s", error)

    def _store_patiently(self, messages: list[Received]) -> bool:
        """Store a batch however long the database is away; ``False`` when stopping meanwhile."""
        delay = 0.5
        while True:
            try:
                self._store([message.body for message in messages])
            except (OperationalError, InterfaceError) as error:
                if delay == 0.5:
                    logger.warning(
                        "The database does not take a batch (%s); trying again, at most every %d s",
                        str(error).strip(),
                        _MAX_DELAY,
                        extra={"action": "database_away"},
                    )
                connections[self._using].close()
                if self._stop_at and time.monotonic() > self._stop_at + _PATIENCE:
                    logger.error("Stopped with %d messages not stored", len(messages))
                    return False
                self._pause(delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(delay * 2, _MAX_DELAY)
            else:
                return True

    def _pause(self, seconds: float) -> None:
        """Sleep so long, or until asked to stop; when asked already, half a second at most."""
        stopping = bool(self._stop_at)
        until = time.monotonic() + (min(seconds, 0.5) if stopping else seconds)
        while stopping == bool(self._stop_at) and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _store(self, bodies: list[bytes]) -> None:
        """Store; halve a batch that the database refuses until the one event is found."""
        try:
            outcome = self._pipeline.store(bodies)
        except _REFUSED as error:
            if len(bodies) == 1:
                bodies = self._pipeline.split(bodies[0])
            if len(bodies) > 1:
                middle = len(bodies) // 2
                self._store(bodies[:middle])
                self._store(bodies[middle:])
                return
            outcome = self._pipeline.quarantine(bodies[0], str(error))
        self.totals.add(outcome)
        self._unsaid.add(outcome)
        self._changed = self._changed or bool(outcome.revision)

    def _guarded(self, write: Callable[[], None]) -> None:
        """Rows about ourselves must not stop the events: the next turn writes them anew."""
        try:
            write()
        except (OperationalError, InterfaceError) as error:
            logger.debug("Could not note the collector's state: %s", error)
            connections[self._using].close()
