"""The recorder's own connection to the app's event exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from celery.events.event import get_exchange
from kombu import Producer

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection

# As Celery's own events, so that no monitor meets a queue it does not know.
_TRANSIENT: Final = 1
_ROUTING_KEY: Final = "monitor.multi"
_SECONDS: Final = 10
# Where the project sets none of its own: nothing here may wait for ever.
_OPTIONS: Final = {
    "redis": {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS},
    # Confirmed, because what is sent into a connection that is gone seems to have been sent.
    "amqp": {"read_timeout": _SECONDS, "write_timeout": _SECONDS, "confirm_publish": True},
}


class NoEventsError(Exception):
    """The broker's transport carries no events."""


class Link:
    """Opened when it is used, and again after ``close``."""

    def __init__(self, app: Celery, hostname: str) -> None:
        self._app = app
        self._headers = {"hostname": hostname}
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._exchange: Any = None

    @property
    def is_open(self) -> bool:
        return self._producer is not None

    def publish(self, body: bytes) -> None:
        """A list of events, as JSON; raises whatever the transport raises."""
        if self._producer is None:
            self._open()
        assert self._producer is not None  # noqa: S101 # `_open` made it
        self._producer.publish(
            body,
            routing_key=_ROUTING_KEY,
            exchange=self._exchange.name,
            declare=[self._exchange],
            content_type="application/json",
            content_encoding="utf-8",
            headers=self._headers,
            delivery_mode=_TRANSIENT,
        )

    def _open(self) -> None:
        connection = self._connection = self._app.connection_for_write()
        options: Any = connection.transport_options
        for name, value in _OPTIONS.get(connection.get_transport_cls().driver_type, {}).items():
            options.setdefault(name, value)
        if not connection.supports_exchange_type("fanout"):
            raise NoEventsError(connection.transport_cls)
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=_SECONDS)
        self._exchange = get_exchange(connection, name=self._app.conf.event_exchange)
        self._producer = Producer(connection.channel(), auto_declare=False)

    def close(self) -> None:
        """Never raises for a connection that is broken already."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.release()
