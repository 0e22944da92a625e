"""The queue that events are read from, and what each transport needs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from amqp.exceptions import NotFound
from celery.events.event import get_exchange
from kombu import Queue
from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from uuid import UUID

    from celery import Celery
    from kombu import Connection

# Where messages wait for an absent collector, and are acknowledged after the commit.
DURABLE_TRANSPORTS: Final = frozenset({"amqp"})
# Where one look takes all that came since the last, how long to wait in between: to look again for
# every message cost more than all else in receiving.
GATHER_SECONDS: Final = {"redis": 0.02}
_HOUR_MS: Final = 3_600_000
ARGUMENTS: Final[dict[str, Any]] = {
    # Event messages are transient: a broker's restart would empty a classic queue.
    "x-queue-type": "quorum",
    "x-max-length": 1_000_000,
    "x-max-length-bytes": 512 * 1024 * 1024,
    "x-expires": 72 * _HOUR_MS,
}
# Seconds until a broker that does not answer a question is left alone.
_PATIENCE: Final = 5
_LIMITS: Final = {"read_timeout": _PATIENCE, "write_timeout": _PATIENCE}
_SECONDS_BY_DRIVER: Final = {
    "amqp": ("read_timeout", "write_timeout"),
    "redis": ("socket_timeout", "socket_connect_timeout"),
}


class TransportError(Exception):
    """The broker's transport cannot carry events."""


class QueueState(NamedTuple):
    """A queue that exists on the broker."""

    # Messages that wait, without those that a collector holds.
    depth: int
    consumers: int


def connection_to_read(app: Celery, **options: Any) -> Connection:
    """Not connected yet; raises ``TransportError`` when its transport cannot be loaded."""
    try:
        connection = app.connection_for_read(**options)
        # Made here, since some say only then that their library is missing.
        _transport = connection.transport
    # Name errors: that of Kafka without its library.
    except (ImportError, KeyError, NameError) as error:
        raise TransportError(f"The broker's transport cannot be loaded: {error}") from error
    return limited(connection)


def limited(connection: Connection) -> Connection:
    """The connection, not made yet, so that no question on it waits without end for its answer."""
    if connection.transport.driver_type in DURABLE_TRANSPORTS:
        # RabbitMQ answers nothing about a queue that has no leader, as after a restart.
        connection.transport_options = _LIMITS | (connection.transport_options or {})
    return connection


def answering(connection: Connection, seconds: float) -> Connection:
    """The same for any transport that can, and whatever the project allows, for ``seconds``."""
    connection.connect_timeout = seconds
    limits = _SECONDS_BY_DRIVER.get(connection.transport.driver_type, ())
    options = dict(connection.transport_options or {})
    connection.transport_options = options | dict.fromkeys(limits, seconds)
    return connection


def short_connection(app: Celery) -> Connection:
    """For one question; raises what ``passing_errors`` names when the broker does not answer."""
    connection = connection_to_read(app)
    connection.ensure_connection(max_retries=1, interval_start=0, timeout=_PATIENCE)
    return connection


def passing_errors(connection: Connection) -> tuple[type[BaseException], ...]:
    """What waiting may mend."""
    # Kombu raises its own error, which is none of the others, when it cannot connect at all.
    return (OperationalError, *connection.connection_errors, *connection.channel_errors)


def queue_name(app: Celery, installation: UUID) -> str:
    """Of the queue that keeps events for the installation, where the broker can."""
    return f"{app.conf.event_queue_prefix}.monitor.{installation}"


def event_queue(app: Celery, connection: Connection, installation: UUID) -> Queue:
    """A named, durable queue where the broker keeps messages; else one for this connection."""
    transport = connection.transport
    if "fanout" not in transport.implements.exchange_type:
        raise TransportError(
            f"Celery sends no events over {transport.driver_type!r}: use RabbitMQ or Redis."
        )
    exchange = get_exchange(connection, name=app.conf.event_exchange)
    if transport.driver_type in DURABLE_TRANSPORTS:
        return Queue(
            queue_name(app, installation),
            exchange=exchange,
            routing_key="#",
            durable=True,
            auto_delete=False,
            queue_arguments=_arguments(connection),
        )
    return Queue(
        f"{app.conf.event_queue_prefix}.{uuid4()}",
        exchange=exchange,
        routing_key="#",
        durable=False,
        auto_delete=True,
    )


def look_at(connection: Connection, name: str) -> QueueState | None:
    """What the broker says of a queue, without changing it; ``None``: there is none."""
    # A queue that is missing costs the channel, so not the one that others use.
    channel: Any = connection.channel()
    try:
        answer = channel.queue_declare(name, passive=True)
    except NotFound:
        return None
    finally:
        channel.close()
    return QueueState(int(answer.message_count), int(answer.consumer_count))


def _arguments(connection: Connection) -> dict[str, Any]:
    version = str(connection.connection.server_properties.get("version", "0"))
    if int(version.partition(".")[0]) < 4:
        return ARGUMENTS
    # From 4.0 on, 20 redeliveries are the default limit; a message that we hold back is not bad.
    return ARGUMENTS | {"x-delivery-limit": -1}
