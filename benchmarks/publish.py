"""Publishes messages as Celery's event dispatcher does, but without building them anew."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from celery.events.event import get_exchange
from kombu import Connection, Producer

from benchmarks.stream import Message

TRANSIENT = 1


class Publisher:
    """To the event exchange of a broker; a context manager."""

    def __init__(self, broker_url: str) -> None:
        self._connection = Connection(broker_url)
        self._exchange = get_exchange(self._connection)
        self._producer = Producer(self._connection.default_channel, self._exchange)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.release()

    def send(self, messages: Iterable[Message]) -> None:
        """Send all of them, as fast as the broker takes them."""
        with self._producer.batch():  # type: ignore[attr-defined] # new in kombu 5.7
            for message in messages:
                self._producer.publish(
                    message.body,
                    routing_key=message.routing_key,
                    exchange=self._exchange.name,
                    headers={"hostname": message.hostname},
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=TRANSIENT,
                )
