"""A collector that runs in a thread of the test, and messages as workers publish them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from celery import Celery
from celery.events.event import get_exchange
from django.db import connections

from django_celery_monitor.collector import Collector
from django_celery_monitor.events import TaskEvent
from django_celery_monitor.pipeline import build_collector
from django_celery_monitor.upkeep.collector_run import installation_id
from tests.streams import START, event, wire
from tests.waiting import wait_until

_BEGUN = time.time() - 300


def app_on(url: str, **conf: Any) -> Celery:
    app = Celery("collected", broker=url, set_as_current=False)
    app.conf.update(conf)
    return app


def publish(app: Celery, *messages: Any) -> None:
    """Each a dict or a list of them; bytes go out as they are. The broker has confirmed them all.

    A quorum queue may lose what was just sent by a channel that closes; workers keep theirs open.
    """
    with app.connection_for_write(transport_options={"confirm_publish": True}) as connection:
        exchange = get_exchange(connection, name=app.conf.event_exchange)
        with connection.Producer(exchange=exchange) as producer:
            for message in messages:
                raw = isinstance(message, bytes)
                producer.publish(
                    message,
                    routing_key="task.multi" if isinstance(message, list) else "task.started",
                    delivery_mode=1,
                    serializer="json",
                    content_type="application/json" if raw else None,
                    content_encoding="utf-8" if raw else None,
                )


def recent(task_id: str, each: TaskEvent) -> dict[str, Any]:
    """As on the wire a few minutes ago: what is older than retention would not stay."""
    return wire(task_id, each._replace(timestamp=each.timestamp - START + _BEGUN))


def lives(ids: list[str]) -> list[Any]:
    """Messages as a busy worker's: the first event alone, the others in a list."""
    found: list[Any] = []
    for task_id in ids:
        found.append(recent(task_id, event("sent")))
        rest = [event("received", 1), event("started", 2), event("succeeded", 3, runtime=1.0)]
        found.append([recent(task_id, each) for each in rest])
    return found


@contextmanager
def running(collector: Collector) -> Iterator[list[BaseException]]:
    """Runs it until the context ends, then stops it; yields what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            collector.run()
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="collector")
    thread.start()
    try:
        yield raised
    finally:
        collector.stop()
        thread.join(60)
    assert not thread.is_alive()


@contextmanager
def collecting(app: Celery, **options: Any) -> Iterator[Collector]:
    """A collector that listens already."""
    options = {"batch_size": 100, "flush_interval": 0.02, "enable": False} | options
    collector = build_collector(app, **options)
    with running(collector) as raised:
        wait_until(lambda: collector._receiver.subscribed.is_set() or raised, timeout=20)
        assert not raised
        yield collector
    assert not raised


@contextmanager
def another_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Somebody else who may lock the database; nobody waits for the lock as long as usual."""
    monkeypatch.setitem(connections.settings["default"]["OPTIONS"], "timeout", 0.05)
    installation_id("default")
    with closing(sqlite3.connect(connections["default"].settings_dict["NAME"])) as link:
        link.isolation_level = None
        yield link
