"""Publishes at full speed, and knows what the broker has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from celery.events.event import get_exchange
from kombu import Connection

from benchmarks.stream import Message

# So many messages may be on their way at a time.
_WINDOW = 1000
_TRANSIENT = 1


class Publisher:
    """``send`` returns when RabbitMQ has confirmed every message; Redis answers each at once.

    A quorum queue may lose what was just sent by a channel that closes, so it has to be waited for.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        channel: Any = connection.default_channel
        self._exchange = get_exchange(connection)
        self._producer = connection.Producer(channel, self._exchange)
        self._confirms = hasattr(channel, "confirm_select")
        self._sent = self._confirmed = 0
        if self._confirms:
            channel.confirm_select()
            channel.events["basic_ack"].add(self._hear)

    def send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._producer.publish(
                message.body,
                routing_key=message.routing_key,
                headers={"hostname": message.hostname},
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=_TRANSIENT,
            )
            self._sent += 1
            self._wait(_WINDOW)
        self._wait(0)

    def _hear(self, tag: int, _multiple: bool) -> None:
        self._confirmed = max(self._confirmed, tag)

    def _wait(self, outstanding: int) -> None:
        while self._confirms and self._sent - self._confirmed > outstanding:
            self._connection.drain_events(timeout=30)


@contextmanager
def publishing(broker_url: str) -> Iterator[Publisher]:
    with Connection(broker_url) as connection:
        yield Publisher(connection)
