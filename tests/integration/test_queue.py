"""The queue on RabbitMQ: who may consume it, what happens when it goes, the command for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from celery import Celery
from django.core.management import CommandError, call_command
from django.utils import timezone
from kombu import Consumer

from django_celery_monitor.ingest import admission
from django_celery_monitor.ingest.queues import (
    ARGUMENTS,
    QueueState,
    TransportError,
    connection_to_read,
    event_queue,
    look_at,
    queue_name,
)
from django_celery_monitor.models import CollectorRun, Gap, Installation, Task
from django_celery_monitor.pipeline import build_collector
from django_celery_monitor.upkeep import watch
from django_celery_monitor.upkeep.collector_run import installation_id
from tests.integration.collecting import app_on, collecting, lives, publish
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OPTIONS: dict[str, Any] = {"batch_size": 100, "flush_interval": 0.02, "enable": False}


def name_on(app: Celery) -> str:
    return queue_name(app, installation_id("default"))


def state_of(app: Celery, name: str) -> QueueState | None:
    with app.connection_for_read() as link:
        return look_at(link, name)


def delete(app: Celery, name: str) -> None:
    with app.connection_for_write() as link:
        channel: Any = link.default_channel
        channel.queue_delete(name)


def stored(*ids: str) -> bool:
    return set(Task.objects.filter(state="SUCCESS").values_list("id", flat=True)) == set(ids)


@contextmanager
def somebody_else(app: Celery) -> Iterator[None]:
    """A collector of another database that has the same id."""
    with connection_to_read(app) as link:
        link.connect()
        source = event_queue(app, link, installation_id("default"))
        with Consumer(link.default_channel, queues=[source], on_message=lambda _message: None):
            yield


def test_a_queue_that_is_deleted_is_made_again_and_the_gap_is_noted(rabbitmq_url: str) -> None:
    app = app_on(rabbitmq_url)
    with collecting(app) as collector:
        publish(app, *lives(["t1"]))
        wait_until(lambda: stored("t1") and CollectorRun.objects.exists())
        before = timezone.now()
        delete(app, name_on(app))
        wait_until(lambda: CollectorRun.objects.count() == 2, timeout=20)
        wait_until(collector._receiver.subscribed.is_set)
        publish(app, *lives(["t2"]))
        wait_until(lambda: stored("t1", "t2"))
    gap = Gap.objects.get()
    assert gap.reason == Gap.Reason.QUEUE_GONE
    assert gap.started_at < before < gap.ended_at
    ends = CollectorRun.objects.order_by("pk").values_list("ended_by", flat=True)
    assert list(ends) == ["queue gone", "stopped"]


def test_a_queue_that_went_while_nobody_listened_is_a_gap_too(rabbitmq_url: str) -> None:
    app = app_on(rabbitmq_url)
    with collecting(app):
        wait_until(CollectorRun.objects.exists)
    assert not Gap.objects.exists()
    delete(app, name_on(app))
    with collecting(app):
        wait_until(lambda: CollectorRun.objects.count() == 2)
    assert Gap.objects.get().reason == Gap.Reason.QUEUE_GONE


def test_the_watch_finds_a_queue_gone_that_nobody_told_of(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "FIRST", 0.1)
    monkeypatch.setattr(watch, "EVERY", 0.1)
    app = app_on(rabbitmq_url)
    missing = iter([None])
    monkeypatch.setattr(watch, "look_at", lambda *given: next(missing, look_at(*given)))
    with collecting(app):
        wait_until(lambda: CollectorRun.objects.count() == 2, timeout=20)
        publish(app, *lives(["t1"]))
        wait_until(lambda: stored("t1"))
    assert CollectorRun.objects.order_by("pk")[0].ended_by == "queue gone"


def test_a_queue_that_is_full_is_an_overflow_that_lasts(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(ARGUMENTS, "x-max-length", 20)
    monkeypatch.setattr(watch, "FIRST", 0.1)
    monkeypatch.setattr(watch, "EVERY", 0.1)
    app = app_on(rabbitmq_url)
    with collecting(app):
        wait_until(CollectorRun.objects.exists)
    left = CollectorRun.objects.get().last_seen_at
    publish(app, *lives([f"t{n}" for n in range(30)]))
    wait_until(lambda: getattr(state_of(app, name_on(app)), "depth", 0) >= 20)
    with collecting(app):
        wait_until(Gap.objects.exists)
        wait_until(lambda: CollectorRun.objects.count() == 2)
        gap = Gap.objects.get()
        assert (gap.reason, gap.started_at) == (Gap.Reason.OVERFLOW, left)
        assert CollectorRun.objects.order_by("pk")[1].started_at < gap.ended_at
        wait_until(lambda: CollectorRun.objects.filter(queue_depth=0).exists())
    assert Gap.objects.count() == 1
    assert "is full" in caplog.text


def test_two_installations_on_one_virtual_host_each_get_everything(rabbitmq_url: str) -> None:
    app = app_on(rabbitmq_url)
    with collecting(app):
        first = name_on(app)
    Installation.objects.update(uuid=uuid.uuid4())
    with collecting(app):
        publish(app, *lives(["t1", "t2"]))
        wait_until(lambda: stored("t1", "t2"))
    wait_until(lambda: getattr(state_of(app, first), "depth", 0) == 4)


def test_a_database_that_was_copied_does_not_take_the_other_ones_events(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_ROWS_WITHIN", 0.2)
    app = app_on(rabbitmq_url)
    with somebody_else(app):
        with pytest.raises(TransportError, match=r"no collector of this database.*new-id.*--force"):
            build_collector(app, **OPTIONS).run()
        assert not CollectorRun.objects.exists()
        with collecting(app, force=True):
            wait_until(CollectorRun.objects.exists)


def test_a_second_collector_of_the_same_database_waits_for_the_row_of_the_first(
    rabbitmq_url: str,
) -> None:
    """It was refused when both began at once."""
    app = app_on(rabbitmq_url)
    with collecting(app), collecting(app):
        wait_until(lambda: CollectorRun.objects.count() == 2)


def test_another_consumer_that_comes_later_is_said_once(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch, "FIRST", 0.1)
    monkeypatch.setattr(watch, "EVERY", 0.1)
    app = app_on(rabbitmq_url)
    with collecting(app) as collector:
        wait_until(lambda: collector._meter.queue_depth is not None)
        assert "has a consumer that is no collector" not in caplog.text
        with somebody_else(app):
            wait_until(lambda: "has a consumer that is no collector" in caplog.text)
    assert caplog.text.count("has a consumer that is no collector") == 1


def command(url: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(
        "django_celery_monitor.management.commands.celerymonitor_queue.find_app",
        lambda _path: app_on(url),
    )
    output = StringIO()
    call_command("celerymonitor_queue", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_shows_and_deletes_the_queue(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_on(rabbitmq_url)
    name = name_on(app)
    assert "It does not exist." in command(rabbitmq_url, "status", monkeypatch=monkeypatch)
    with collecting(app):
        wait_until(CollectorRun.objects.exists)
        shown = command(rabbitmq_url, "status", monkeypatch=monkeypatch)
    assert name in shown
    assert "0 messages wait. Consumers: 1; collectors of this database: 1." in shown
    assert "guest:guest" not in shown
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    with pytest.raises(CommandError, match="Nothing was changed"):
        command(rabbitmq_url, "delete", monkeypatch=monkeypatch)
    assert state_of(app, name)
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    assert "Deleted queue" in command(rabbitmq_url, "delete", monkeypatch=monkeypatch)
    assert state_of(app, name) is None
    assert "There is no queue" in command(rabbitmq_url, "delete", "--yes", monkeypatch=monkeypatch)


def test_the_command_needs_rabbitmq(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="keeps no queue for the monitor"):
        command(redis_url, "status", monkeypatch=monkeypatch)


def test_a_copy_gets_an_id_of_its_own(rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = installation_id("default")
    with collecting(app_on(rabbitmq_url)):
        wait_until(CollectorRun.objects.exists)
        with pytest.raises(CommandError, match="Stop it first"):
            command(rabbitmq_url, "new-id", monkeypatch=monkeypatch)
    said = command(rabbitmq_url, "new-id", "--yes", monkeypatch=monkeypatch)
    assert f"is now {installation_id('default')}; it was {old}" in said
    assert installation_id("default") != old


def test_the_command_does_not_wait_for_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="refused"):
        command("amqp://bob:hunter2@127.0.0.1:1", "status", monkeypatch=monkeypatch)
