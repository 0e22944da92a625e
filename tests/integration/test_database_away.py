"""A database that stays away longer than a moment, on each kind of broker."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from celery import Celery
from django.utils import timezone

from django_celery_monitor.ingest import buffer, receiver
from django_celery_monitor.ingest.queues import QueueState, look_at, queue_name
from django_celery_monitor.models import CollectorRun, Gap, Task
from django_celery_monitor.upkeep import health
from django_celery_monitor.upkeep.collector_run import installation_id
from tests.integration.collecting import (
    another_writer,
    app_on,
    collecting,
    lives,
    publish,
    recent,
)
from tests.streams import event
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    with another_writer(monkeypatch) as link:
        yield link


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_celery_monitor.intake._HOLD", 0.2)
    monkeypatch.setattr("django_celery_monitor.intake._MAX_DELAY", 0.6)
    monkeypatch.setattr(receiver, "_JITTER", 0.1)
    monkeypatch.setattr(buffer, "_PATIENCE", 0.1)


def stored() -> int:
    return Task.objects.filter(state="SUCCESS").count()


def queue_of(app: Celery) -> QueueState | None:
    with app.connection_for_read() as link:
        return look_at(link, queue_name(app, installation_id("default")))


def test_rabbitmq_gets_back_what_the_database_does_not_take(
    rabbitmq_url: str, writer: sqlite3.Connection
) -> None:
    """Else it would hang up on a consumer that holds messages for half an hour."""
    app = app_on(rabbitmq_url)
    with collecting(app) as collector:
        wait_until(CollectorRun.objects.exists)
        writer.execute("BEGIN IMMEDIATE")
        publish(app, *lives(["t1", "t2"]))
        wait_until(lambda: queue_of(app) == (4, 0))
        publish(app, *lives(["t3"]))
        assert not collector._receiver.subscribed.is_set()
        writer.execute("ROLLBACK")
        wait_until(lambda: stored() == 3)
        wait_until(lambda: CollectorRun.objects.count() == 2)
    assert queue_of(app) == (0, 0)
    assert CollectorRun.objects.order_by("pk")[0].ended_by == "database away"
    assert not Gap.objects.exists()


def test_redis_is_listened_to_on(
    redis_url: str, writer: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_on(redis_url)
    with collecting(app) as collector:
        wait_until(CollectorRun.objects.exists)
        writer.execute("BEGIN IMMEDIATE")
        publish(app, lives(["t1"])[1])
        wait_until(lambda: "does not take a batch" in caplog.text)
        publish(app, *lives([f"t{n}" for n in range(50)]))
        wait_until(lambda: len(collector._receiver.buffer) == 100)
        assert collector._receiver.subscribed.is_set()
        writer.execute("ROLLBACK")
        wait_until(lambda: stored() == 50)
    assert CollectorRun.objects.get().ended_by == "stopped"
    assert not Gap.objects.exists()


def test_a_worker_whose_clock_is_ahead_does_not_hide_how_long_events_waited(
    redis_url: str, writer: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """When the collector is killed next, the gap begins that much earlier."""
    app = app_on(redis_url)
    ahead = recent("t1", event("started", at=3600))
    with collecting(app) as collector:
        wait_until(CollectorRun.objects.exists)
        writer.execute("BEGIN IMMEDIATE")
        publish(app, ahead)
        wait_until(lambda: "does not take a batch" in caplog.text)
        writer.execute("ROLLBACK")
        wait_until(Task.objects.exists)
        wait_until(lambda: (collector.totals.lag or 0.0) > 0.05)


def test_what_finds_no_room_meanwhile_is_a_gap_and_counted(
    redis_url: str,
    writer: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(buffer, "CAPACITY", 10)
    app = app_on(redis_url)
    with collecting(app) as collector:
        wait_until(CollectorRun.objects.exists)
        writer.execute("BEGIN IMMEDIATE")
        before = timezone.now()
        publish(app, *lives(["first"]))
        # The batch in hand takes no more.
        wait_until(lambda: "does not take a batch" in caplog.text)
        publish(app, *lives([f"t{n}" for n in range(20)]))
        wait_until(lambda: collector._receiver.buffer._dropped)
        writer.execute("ROLLBACK")
        wait_until(lambda: Gap.objects.exists() and stored())
        publish(app, *lives(["later"]))
        wait_until(lambda: Task.objects.filter(id="later", state="SUCCESS").exists())
        totals: health.Totals = collector.totals
    gap = Gap.objects.get()
    assert gap.reason == Gap.Reason.OVERFLOW
    assert before < gap.started_at < gap.ended_at < timezone.now()
    assert 0 < totals.dropped <= 40
