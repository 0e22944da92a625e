"""Receives event messages in a thread of its own, so that no slow commit stops the heartbeats."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from amqp.exceptions import ConsumerCancelled, PreconditionFailed
from kombu import Consumer, Queue

from django_celery_monitor.ingest.admission import admit
from django_celery_monitor.ingest.buffer import CAPACITY, Buffer, Received
from django_celery_monitor.ingest.queues import (
    DURABLE_TRANSPORTS,
    GATHER_SECONDS,
    TransportError,
    connection_to_read,
    event_queue,
    look_at,
    passing_errors,
)
from django_celery_monitor.ingest.subscription import NONE, Ended, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from celery import Celery
    from kombu import Connection
    from kombu.message import Message

logger = logging.getLogger("django_celery_monitor")

_DATABASE_AWAY: Final = "database away"
_QUEUE_GONE: Final = "queue gone"
_CONNECTION_LOST: Final = "connection lost"
_DRAIN_SECONDS: Final = 0.1
_MAX_DELAY: Final = 30.0
# Collectors that a database kept waiting do not come back all at once.
_JITTER: Final = 3.0


class Receiver(threading.Thread):
    """Keeps a subscription to the project's broker, for ever; see ``take`` and ``acknowledge``.

    ``subscription`` is the present or latest one, ``ended`` the latest that ended; ``subscribed``
    says whether one is up. ``error`` holds what ended the thread: faults that no waiting can mend.
    ``siblings`` counts, of a transport, the collectors that may consume the same queue; others are
    not joined.
    """

    def __init__(
        self, app: Celery, installation: UUID, siblings: Callable[[str], int] | None = None
    ) -> None:
        super().__init__(name="celerymonitor-receiver", daemon=True)
        self.subscription = NONE
        self.ended: Ended | None = None
        self.subscribed = threading.Event()
        self.error: Exception | None = None
        link = connection_to_read(app)
        self.transport = link.transport_cls or ""
        driver = link.transport.driver_type
        self.buffer = Buffer(keeps_all=driver in DURABLE_TRANSPORTS)
        self._gather = GATHER_SECONDS.get(driver, 0.0)
        self._app = app
        self.installation = installation
        self._siblings = siblings
        self._stopping, self._closing = threading.Event(), threading.Event()
        self._left_because = ""
        self._stored: Received | None = None
        self._lost = False
        self._checked_at = 0.0

    @property
    def durable(self) -> bool:
        """Whether the broker keeps what is not acknowledged."""
        return self.buffer.keeps_all

    def take(self, events: int, within: float) -> list[Received]:
        """Messages with about ``events`` events, or what comes ``within`` seconds of the first."""
        return self.buffer.take(events, within)

    def acknowledge(self, messages: list[Received]) -> None:
        """Tell the broker, from the receiver's thread, that all up to the last one are stored."""
        self._stored = messages[-1]

    def pause(self) -> None:
        """Give back to a broker that keeps them all messages that are not stored, until ``resume``.

        A broker that keeps none is listened to on.
        """
        if self.durable:
            self._left_because = _DATABASE_AWAY

    def renew(self) -> None:
        """Declare the queue anew: the broker lost it, and did not say so."""
        self._left_because = _QUEUE_GONE

    def resume(self) -> None:
        """Listen again, after a moment."""
        self._left_because = ""

    def stop(self) -> None:
        """Receive no more; what was received can still be taken and acknowledged."""
        self._stopping.set()

    def close(self) -> None:
        """Acknowledge what is stored and hang up."""
        self._stopping.set()
        self._closing.set()
        self.buffer.close()
        if self.is_alive():
            self.join(timeout=10)

    def run(self) -> None:
        try:
            self._keep_listening()
        # Whatever it is, the thread that waits for messages has to hear of it.
        except Exception as error:
            self.error = error

    def _keep_listening(self) -> None:
        delay = 1.0
        while not self._stopping.is_set():
            connection = connection_to_read(self._app, heartbeat=self._app.conf.broker_heartbeat)
            by = "failed"
            try:
                self._listen(connection)
                by = self._left_because or "stopped"
            except passing_errors(connection) as error:
                by = _QUEUE_GONE if isinstance(error, ConsumerCancelled) else _CONNECTION_LOST
                if self.subscribed.is_set():
                    delay = 1.0
                self._say_lost(error, delay)
            finally:
                self._hang_up(connection, by)
            if self._left_because == _DATABASE_AWAY:
                self._wait_for_resume()
            elif by != "stopped":
                self._stopping.wait(delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(delay * 2, _MAX_DELAY)

    def _hang_up(self, connection: Connection, by: str) -> None:
        if self.subscribed.is_set():
            self.ended = Ended(self.subscription.number, time.time(), by)
            self.subscribed.clear()
        connection.release()

    def _wait_for_resume(self) -> None:
        logger.warning("Stopped listening: %s", self._left_because, extra={"action": "paused"})
        # What the broker keeps comes again.
        self.buffer.clear()
        while self._left_because and not self._stopping.wait(_DRAIN_SECONDS):
            pass
        self._stopping.wait(random.uniform(0.0, _JITTER))  # noqa: S311

    def _listen(self, connection: Connection) -> None:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=10)
        source = event_queue(self._app, connection, self.installation)
        begun = self._subscription(connection, source)
        if self._stopping.is_set():
            return
        channel: Any = connection.default_channel
        if self.durable:
            channel.basic_qos(0, CAPACITY // 2, False)
        # Tags of an earlier subscription mean nothing on this channel.
        self._stored, self.subscription = None, begun
        if self._left_because == _QUEUE_GONE:
            self._left_because = ""
        with self._consumer(channel, source):
            if not self.durable:
                # Redis subscribes when it is first asked for messages.
                self._drain(connection)
                self.subscription = begun._replace(started=time.time())
            self.subscribed.set()
            self._lost = False
            logger.info("Listening to %s", connection.as_uri(), extra={"action": "subscribed"})
            while not (self._stopping.is_set() or self._left_because):
                self._drain(connection)
                self._acknowledge(channel)
        while self._stopping.is_set() and not self._closing.wait(_DRAIN_SECONDS):
            self._acknowledge(channel)
        self._acknowledge(channel)

    def _subscription(self, connection: Connection, source: Queue) -> Subscription:
        number = self.subscription.number + 1
        if not self.durable:
            return Subscription(number, time.time())
        if number == 1 and self._siblings:
            siblings = partial(self._siblings, self.transport)
            found = admit(connection, source.name, siblings, self._stopping)
        else:
            found = look_at(connection, source.name)
        return Subscription(number, time.time(), found is None, found.depth if found else 0)

    def _consumer(self, channel: Any, source: Queue) -> Consumer:
        try:
            return Consumer(
                channel, queues=[source], on_message=self._hold, no_ack=not self.durable
            )
        except PreconditionFailed as error:
            raise TransportError(
                f"The queue {source.name!r} exists with other arguments ({error.reply_text})."
                " Delete it (manage.py celerymonitor_queue delete); the events that wait in it"
                " are lost with it."
            ) from error

    def _drain(self, connection: Connection) -> None:
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=_DRAIN_SECONDS)
            self._stopping.wait(self._gather)
        now = time.monotonic()
        if connection.supports_heartbeats and now - self._checked_at > 1.0:
            self._checked_at = now
            connection.heartbeat_check()

    def _hold(self, message: Message) -> None:
        body: Any = message.body
        self.buffer.put(
            Received(
                self.subscription.number,
                message.delivery_tag,
                body.encode() if isinstance(body, str) else bytes(body),
                time.monotonic(),
            )
        )

    def _acknowledge(self, channel: Any) -> None:
        stored, self._stored = self._stored, None
        if stored and self.durable and stored.subscription == self.subscription.number:
            channel.basic_ack(stored.tag, multiple=True)

    def _say_lost(self, error: BaseException, delay: float) -> None:
        # Once for each loss; the attempts after it are for debugging.
        level = logging.DEBUG if self._lost else logging.WARNING
        self._lost = True
        text = "No connection to the broker"
        if isinstance(error, ConsumerCancelled):
            text = "The broker ended the subscription, as it does when the queue is deleted"
        logger.log(
            level,
            "%s (%s); trying again, at most every %d s",
            *(text, error, _MAX_DELAY),
            extra={"action": "disconnected", "delay": delay},
        )
