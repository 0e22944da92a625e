"""The process that ``manage.py celerymonitor`` runs: receives, stores and announces, for ever."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from django.db import connections, router

from django_celery_monitor.control.task_events import enable_events
from django_celery_monitor.ingest.queues import limited, passing_errors
from django_celery_monitor.intake import AWAY, Intake
from django_celery_monitor.models import Task
from django_celery_monitor.upkeep.collector_run import RunLog
from django_celery_monitor.upkeep.confirming import Confirmer
from django_celery_monitor.upkeep.inspecting import Inspector
from django_celery_monitor.upkeep.operator import Operator
from django_celery_monitor.upkeep.settler import Settler
from django_celery_monitor.upkeep.sweeper import Sweeper
from django_celery_monitor.upkeep.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from django_celery_monitor.ingest.receiver import Receiver
    from django_celery_monitor.pipeline import Pipeline, Publisher
    from django_celery_monitor.upkeep.health import Health, Totals

logger = logging.getLogger("django_celery_monitor")

_SEEN_EVERY: Final = 2.0
_LOG_EVERY: Final = 60.0
_ENABLE_EVERY: Final = 10.0
# Longer than the receiver takes to notice that it is to stop.
_LAST_WAIT: Final = 0.5
# With more seconds of lag a silence may be that of events that wait to be stored.
_BEHIND: Final = 10.0


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
        self._app = app
        self._receiver = receiver
        self._publisher = publisher
        self._batch_size = batch_size
        self._flush_interval = flush_interval
        self._enable = enable
        self._on_turn = on_turn
        self._using = router.db_for_write(Task)
        self._intake = Intake(pipeline, receiver, self._using)
        self._meter = self._intake.meter
        self._runs = RunLog(self._using, receiver.transport)
        self._watch = Watch(app, self._using, receiver, self._meter)
        self._sweeper = Sweeper(self._using)
        self._settler = Settler(app, self._using, pipeline.settle)
        self._inspector = Inspector(app, self._using, publisher.changed)
        self._confirmer = Confirmer(self._using, publisher.changed)
        self._operator = Operator(app, self._using, publisher.changed)
        self._number = 0
        self._next_seen = self._next_enable = self._caught_up = 0.0
        self._next_log = time.monotonic() + _LOG_EVERY

    @property
    def totals(self) -> Totals:
        """What it did since it started."""
        return self._meter.totals

    def stop(self) -> None:
        """Ask the loop to store what it holds and return; safe in a signal handler."""
        self._intake.stop()

    def run(self) -> None:
        """Raises ``TransportError`` when the broker cannot carry events."""
        self._receiver.start()
        try:
            while self._turn():
                pass
        finally:
            self._operator.close()
            self._receiver.close()
            self._publisher.close()
            if self._number:
                self._guarded(self._say_seen)
            self._guarded(lambda: self._runs.end(self._receiver.ended))

    def _turn(self) -> bool:
        if self._receiver.error:
            raise self._receiver.error
        stopping = self._intake.stopping
        if stopping:
            self._receiver.stop()
        within = max(self._flush_interval, _LAST_WAIT if stopping else 0.0)
        begun = time.monotonic()
        messages = self._receiver.take(self._batch_size, within)
        # Then nothing more was there, however late the clock of who sent it makes it look.
        waited = time.monotonic() - begun >= within
        if messages:
            if not self._intake.store(messages):
                return False
            self._receiver.acknowledge(messages)
            if not waited and (self.totals.lag or 0.0) > _BEHIND:
                self._caught_up = time.monotonic()
        self._publisher.flush()
        self._keep_up(time.monotonic())
        self._on_turn(self.totals)
        return bool(messages) or not stopping

    def _keep_up(self, now: float) -> None:
        """What is due by the clock: the subscription's row, and events of workers."""
        subscribed = self._receiver.subscribed.is_set()
        if subscribed and self._number != self._receiver.subscription.number:
            self._number = self._receiver.subscription.number
            self._next_seen = self._next_enable = self._caught_up = now
        if subscribed and now >= self._next_seen:
            self._next_seen = now + _SEEN_EVERY
            self._guarded(self._say_seen)
        if subscribed and self._enable and now >= self._next_enable:
            self._next_enable = now + _ENABLE_EVERY
            self._enable_events()
        if now >= self._next_log:
            self._next_log = now + _LOG_EVERY
            self._health().log()
        self._guarded(lambda: self._watch.turn(now))
        self._guarded(lambda: self._sweeper.turn(now))
        self._guarded(lambda: self._operator.turn(now))
        self._guarded(lambda: self._confirmer.turn(now))
        if subscribed:
            self._guarded(lambda: self._settler.turn(now, now - self._caught_up))
            self._guarded(lambda: self._inspector.turn(now))

    def _health(self) -> Health:
        return self._meter.health(time.monotonic())

    def _say_seen(self) -> None:
        receiver, intake = self._receiver, self._intake
        self._runs.seen(
            receiver.subscription,
            receiver.ended,
            self._health(),
            intake.unsaid,
            changed=intake.changed,
        )
        intake.said()

    def _enable_events(self) -> None:
        with limited(self._app.connection_for_write()) as connection:
            try:
                enable_events(self._app, connection)
            except passing_errors(connection) as error:
                logger.debug("Could not ask workers for events: %s", error)

    def _guarded(self, write: Callable[[], None]) -> None:
        """Rows about ourselves must not stop the events: the next turn writes them anew."""
        try:
            write()
        except AWAY as error:
            logger.debug("Could not note the collector's state: %s", error)
            connections[self._using].close()
