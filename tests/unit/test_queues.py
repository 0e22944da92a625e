from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from celery import Celery
from kombu import Connection
from kombu.transport.pyamqp import Transport

from django_celery_monitor.ingest.queues import connection_to_read, event_queue


class Broker:
    """A connection to RabbitMQ, as far as a queue has to know it."""

    def __init__(self, version: str) -> None:
        self.transport = cast("Any", Transport)
        self.transport_cls = "amqp"
        self.connection = SimpleNamespace(server_properties={"version": version})


@pytest.mark.parametrize(
    ("version", "limit"),
    [("3.10.8", None), ("3.12.14", None), ("3.13.7", None), ("4.0.5", -1), ("4.3.0-rc.1", -1)],
)
def test_no_version_of_rabbitmq_gives_up_a_message_that_came_again(
    version: str, limit: int | None
) -> None:
    app = Celery("queues", broker="amqp://", set_as_current=False)
    app.conf.event_queue_prefix = "shop"
    queue = event_queue(app, cast("Connection", Broker(version)), UUID(int=7))
    assert queue.name == f"shop.monitor.{UUID(int=7)}"
    assert (queue.durable, queue.auto_delete, queue.exclusive) == (True, False, False)
    arguments = queue.queue_arguments or {}
    assert arguments["x-queue-type"] == "quorum"
    assert arguments.get("x-delivery-limit") == limit


def options_of(app: Celery) -> dict[str, Any]:
    return connection_to_read(app).transport_options or {}


def test_a_question_to_a_queue_without_a_leader_does_not_wait_without_end() -> None:
    app = Celery(broker="amqp://127.0.0.1//", set_as_current=False)
    assert options_of(app)["read_timeout"] > 0
    app.conf.broker_transport_options = {"read_timeout": 60}
    assert options_of(app)["read_timeout"] == 60


def test_options_of_redis_are_left_as_they_are() -> None:
    app = Celery(broker="redis://127.0.0.1/0", set_as_current=False)
    assert "read_timeout" not in options_of(app)
