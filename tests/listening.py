"""Hears what is published on an app's event exchange, as any monitor would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
from celery import Celery
from celery.events.event import get_exchange
from kombu import Connection, Consumer, Queue
from kombu.message import Message

from tests.waiting import wait_until


class Listener:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.messages: list[Message] = []

    def events(self, count: int = 1) -> list[dict[str, Any]]:
        """All that came, once there are so many."""
        wait_until(lambda: self._heard() >= count, timeout=20)
        return self._events()

    def quiet(self) -> bool:
        """Whether nothing is on its way: asks the broker, does not wait for something to come."""
        before = len(self.messages)
        self.drain()
        return len(self.messages) == before

    def drain(self) -> None:
        try:
            while True:
                self._connection.drain_events(timeout=0.05)
        except TimeoutError:
            pass

    def _heard(self) -> int:
        self.drain()
        return len(self._events())

    def _events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for message in self.messages:
            content = orjson.loads(message.body or b"")
            found += content if isinstance(content, list) else [content]
        return found


@contextmanager
def listening(app: Celery) -> Iterator[Listener]:
    with app.connection_for_read() as connection:
        exchange = get_exchange(connection, name=app.conf.event_exchange)
        name = f"listener-{uuid4().hex}"
        queue = Queue(
            name, exchange, routing_key="#", durable=False, auto_delete=True, exclusive=True
        )
        listener = Listener(connection)
        heard = listener.messages.append
        with Consumer(connection.default_channel, [queue], on_message=heard, no_ack=True):
            # Redis subscribes when it is first asked for messages.
            listener.drain()
            yield listener
