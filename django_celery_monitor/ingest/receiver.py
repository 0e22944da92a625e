"""Receives event messages in a thread of its own, so that no slow commit stops the heartbeats."""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amqp.exceptions import PreconditionFailed
from kombu import Consumer, Queue

from django_celery_monitor.ingest.queues import (
    DURABLE_TRANSPORTS,
    TransportError,
    connection_to_read,
    event_queue,
    passing_errors,
)

if TYPE_CHECKING:
    from uuid import UUID

    from celery import Celery
    from kombu import Connection
    from kombu.message import Message

logger = logging.getLogger("django_celery_monitor")

# Messages held in memory; with acknowledgements the broker keeps the rest, without it drops them.
CAPACITY: Final = 5_000
_DRAIN_SECONDS: Final = 0.1
_MAX_DELAY: Final = 30.0


class Received(NamedTuple):
    """One message. ``subscription`` and ``tag`` say what to acknowledge."""

    subscription: int
    tag: Any
    body: bytes


class Receiver(threading.Thread):
    """Keeps a subscription to the project's broker, for ever; see ``take`` and ``acknowledge``.

    ``subscription`` counts the subscriptions since the start; ``subscribed`` says whether one is
    up. ``error`` holds what ended the thread: faults that no waiting can mend.
    """

    def __init__(self, app: Celery, installation: UUID) -> None:
        super().__init__(name="celerymonitor-receiver", daemon=True)
        self.subscription = 0
        self.subscribed = threading.Event()
        self.error: Exception | None = None
        self.transport = connection_to_read(app).transport_cls or ""
        self._app = app
        self._installation = installation
        self._messages: queue.Queue[Received] = queue.Queue(CAPACITY)
        self._stopping = threading.Event()
        self._closing = threading.Event()
        self._stored: Received | None = None
        self._acknowledges = False
        self._lost = False
        self._checked_at = 0.0

    def take(self, events: int, within: float) -> list[Received]:
        """Messages with about ``events`` events, or what comes ``within`` seconds of the first."""
        try:
            taken = [self._messages.get(timeout=within)]
        except queue.Empty:
            return []
        count = _count(taken[0])
        deadline = time.monotonic() + within
        while count < events:
            try:
                left = deadline - time.monotonic()
                message = self._messages.get(block=left > 0, timeout=max(left, 0.0))
            except queue.Empty:
                break
            taken.append(message)
            count += _count(message)
        return taken

    def acknowledge(self, messages: list[Received]) -> None:
        """Tell the broker, from the receiver's thread, that all up to the last one are stored."""
        self._stored = messages[-1]

    def stop(self) -> None:
        """Receive no more; what was received can still be taken and acknowledged."""
        self._stopping.set()

    def close(self) -> None:
        """Acknowledge what is stored and hang up."""
        self._stopping.set()
        self._closing.set()
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
            try:
                self._listen(connection)
            except passing_errors(connection) as error:
                if self.subscribed.is_set():
                    delay = 1.0
                self._say_lost(error, delay)
                self._stopping.wait(delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(delay * 2, _MAX_DELAY)
            finally:
                self.subscribed.clear()
                connection.release()

    def _listen(self, connection: Connection) -> None:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=10)
        source = event_queue(self._app, connection, self._installation)
        self._acknowledges = connection.transport.driver_type in DURABLE_TRANSPORTS
        channel: Any = connection.default_channel
        if self._acknowledges:
            channel.basic_qos(0, CAPACITY // 2, False)
        # Tags of an earlier subscription mean nothing on this channel.
        self.subscription += 1
        self._stored = None
        with self._consumer(channel, source):
            self.subscribed.set()
            self._lost = False
            logger.info("Listening to %s", connection.as_uri(), extra={"action": "subscribed"})
            while not self._stopping.is_set():
                self._drain(connection)
                self._acknowledge(channel)
        while not self._closing.wait(_DRAIN_SECONDS):
            self._acknowledge(channel)
        self._acknowledge(channel)

    def _consumer(self, channel: Any, source: Queue) -> Consumer:
        try:
            return Consumer(
                channel, queues=[source], on_message=self._hold, no_ack=not self._acknowledges
            )
        except PreconditionFailed as error:
            raise TransportError(
                f"The queue {source.name!r} exists with other arguments ({error.reply_text})."
                " Delete it on the broker; the events that wait in it are lost with it."
            ) from error

    def _drain(self, connection: Connection) -> None:
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=_DRAIN_SECONDS)
        now = time.monotonic()
        if connection.supports_heartbeats and now - self._checked_at > 1.0:
            self._checked_at = now
            connection.heartbeat_check()

    def _hold(self, message: Message) -> None:
        body: Any = message.body
        held = Received(
            self.subscription,
            message.delivery_tag,
            body.encode() if isinstance(body, str) else bytes(body),
        )
        while not self._closing.is_set():
            try:
                self._messages.put(held, timeout=_DRAIN_SECONDS)
            except queue.Full:
                continue
            return

    def _acknowledge(self, channel: Any) -> None:
        stored, self._stored = self._stored, None
        if stored and self._acknowledges and stored.subscription == self.subscription:
            channel.basic_ack(stored.tag, multiple=True)

    def _say_lost(self, error: BaseException, delay: float) -> None:
        # Once for each loss; the attempts after it are for debugging.
        level = logging.DEBUG if self._lost else logging.WARNING
        self._lost = True
        logger.log(
            level,
            "No connection to the broker (%s); trying again, at most every %d s",
            error,
            _MAX_DELAY,
            extra={"action": "disconnected", "delay": delay},
        )


def _count(message: Received) -> int:
    # Near enough to size a batch, and far cheaper than decoding here.
    return message.body.count(b'"hostname"') or 1
