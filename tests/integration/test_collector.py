"""The collector on real brokers, in a thread of the test."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from django.db import DataError, OperationalError
from django.utils import timezone
from kombu import Queue
from kombu.transport import memory

from django_celery_monitor.collector import Collector
from django_celery_monitor.control.task_events import enable_events
from django_celery_monitor.ingest.buffer import Buffer, Received
from django_celery_monitor.ingest.queues import TransportError
from django_celery_monitor.ingest.receiver import Receiver
from django_celery_monitor.ingest.subscription import Ended, Subscription
from django_celery_monitor.models import BadEvent, CollectorRun, Gap, Installation, Task
from django_celery_monitor.pipeline import Outcome, Pipeline, build_collector
from django_celery_monitor.upkeep import quarantine
from django_celery_monitor.upkeep.collector_run import RunLog, installation_id
from django_celery_monitor.upkeep.gaps import note_away
from django_celery_monitor.upkeep.health import Meter, Totals
from tests.faults.collectors import subscribers
from tests.integration.collecting import (
    another_writer,
    app_on,
    collecting,
    lives,
    publish,
    recent,
    running,
)
from tests.servers.ports import free_ports
from tests.servers.process import answers
from tests.servers.process import running as process
from tests.servers.programs import find_all
from tests.servers.redis import REDIS
from tests.streams import body, event
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OPTIONS: dict[str, Any] = {"batch_size": 100, "flush_interval": 0.02, "enable": False}


@pytest.fixture(params=["memory", "filesystem", "redis", "rabbitmq"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Celery:
    if request.param == "memory":
        return app_on("memory://")
    if request.param == "filesystem":
        names = ("data_folder_in", "data_folder_out", "control_folder")
        options = dict.fromkeys(names, str(tmp_path))
        return app_on("filesystem://", broker_transport_options=options)
    return app_on(request.getfixturevalue(f"{request.param}_url"))


def stored(count: int) -> bool:
    return Task.objects.filter(state="SUCCESS").count() == count


def test_what_is_published_is_stored(app: Celery) -> None:
    with collecting(app) as collector:
        publish(app, *lives([f"t{n}" for n in range(100)]), b"no json", {"type": "task-started"})
        # A transport may look for one message at a time, and seldom.
        wait_until(lambda: stored(100) and BadEvent.objects.count() == 2, timeout=40)
        totals = collector.totals
        wait_until(lambda: (totals.events, totals.bad) == (400, 2))
    run = CollectorRun.objects.get()
    assert (run.events, run.bad_events) == (400, 2)
    assert run.committed_at is not None
    assert run.ended_at is not None
    assert not run.is_listening()
    assert (run.rate or 0) > 0
    assert 0 < (run.batch_seconds or 0) < 5


def test_a_worker_whose_clock_is_behind_does_not_keep_others_from_being_settled(
    app: Celery,
) -> None:
    """Its events look as if they had waited, and nothing is settled while events wait."""
    late = recent("late", event("started"))
    with collecting(app) as collector:
        wait_until(lambda: collector._caught_up > 0)
        begun = collector._caught_up
        publish(app, late)
        wait_until(lambda: Task.objects.filter(id="late").exists())
        wait_until(lambda: (collector.totals.lag or 0) > 200)
        publish(app, *lives(["t1"]))
        wait_until(lambda: stored(1))
        assert collector._caught_up == begun


def test_its_health_is_logged_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_celery_monitor")
    monkeypatch.setattr("django_celery_monitor.collector._LOG_EVERY", 0.1)
    app = app_on("memory://")
    with collecting(app):
        publish(app, *lives(["t1"]))
        wait_until(lambda: "1 rows written" in caplog.text or "2 rows written" in caplog.text)
    statuses = [vars(each) for each in caplog.records if vars(each).get("action") == "status"]
    assert statuses[-1]["events"] == 4
    assert {"rate", "lag", "batch_seconds", "queue_depth", "dropped"} <= set(statuses[-1])


def test_what_is_put_aside_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine.trim, "__kwdefaults__", {"most": 5})
    monkeypatch.setattr("django_celery_monitor.upkeep.watch._TRIM_EVERY", 0.0)
    app = app_on("memory://")
    with collecting(app) as collector:
        publish(app, *[b"no json"] * 20)
        wait_until(lambda: collector.totals.bad == 20)
        wait_until(lambda: BadEvent.objects.count() == 5)
    assert CollectorRun.objects.get().bad_events == 20


def test_the_workers_own_dispatcher_is_understood(app: Celery) -> None:
    with collecting(app), app.connection_for_write() as link:
        with app.events.Dispatcher(link, hostname="w1@x", buffer_group={"task"}) as dispatcher:
            for kind in ("received", "started"):
                dispatcher.send(f"task-{kind}", uuid="t1", name="shop.pay", args="()", kwargs="{}")
            dispatcher.send("worker-heartbeat", freq=2.0, active=0, processed=1)
            dispatcher.flush()
        wait_until(lambda: Task.objects.filter(id="t1", state="STARTED", worker="w1@x").exists())


def test_stopping_stores_what_was_received(app: Celery) -> None:
    collector = build_collector(app, **OPTIONS | {"flush_interval": 0.5, "batch_size": 10_000})
    with running(collector) as raised:
        wait_until(collector._receiver.subscribed.is_set, timeout=20)
        publish(app, *lives([f"t{n}" for n in range(50)]))
        wait_until(lambda: len(collector._receiver.buffer) or Task.objects.exists())
    assert not raised
    assert stored(50)


def test_on_redis_it_covers_no_time_in_which_it_was_not_subscribed_yet(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of a moment that counts as covered, but was not, would be missing without a gap."""
    first_drain: list[float] = []
    drain = Receiver._drain

    def noting(self: Receiver, connection: Any) -> None:
        drain(self, connection)
        first_drain.append(time.time())

    monkeypatch.setattr(Receiver, "_drain", noting)
    with collecting(app_on(redis_url)) as collector:
        assert subscribers(redis_url) == 1
        assert collector._receiver.subscription.started >= first_drain[0]


def test_an_installation_keeps_its_queue_on_rabbitmq(rabbitmq_url: str) -> None:
    """What is published while nobody listens waits there."""
    app = app_on(rabbitmq_url)
    with collecting(app):
        pass
    publish(app, *lives(["t1", "t2"]))
    with collecting(app):
        wait_until(lambda: stored(2))
    with app.connection_for_read() as link:
        Queue(f"celeryev.monitor.{Installation.objects.get().uuid}").queue_declare(
            channel=link.default_channel, passive=True
        )


def test_two_collectors_store_everything_once(app: Celery) -> None:
    with collecting(app) as one, collecting(app) as two:
        publish(app, *lives([f"t{n}" for n in range(60)]))
        wait_until(lambda: stored(60), timeout=40)
        wait_until(lambda: one.totals.tasks + two.totals.tasks >= 60)
    assert CollectorRun.objects.count() == 2


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    with another_writer(monkeypatch) as link:
        yield link


def test_a_locked_database_is_waited_for(
    app: Celery, writer: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with collecting(app) as collector:
        wait_until(CollectorRun.objects.exists)
        writer.execute("BEGIN IMMEDIATE")
        publish(app, *lives(["t1", "t2"]))
        wait_until(lambda: "does not take a batch (database is locked)" in caplog.text)
        assert collector.totals.tasks == 0
        writer.execute("ROLLBACK")
        wait_until(lambda: stored(2))


def test_a_subscription_is_noted_though_the_database_was_locked_when_it_began(
    writer: sqlite3.Connection,
) -> None:
    """It was tried once only, and pages said that no collector runs."""
    turns = count()
    collector = build_collector(app_on("memory://"), **OPTIONS, on_turn=lambda _totals: next(turns))
    writer.execute("BEGIN IMMEDIATE")
    with running(collector):
        wait_until(lambda: collector._number and next(turns) > 5)
        assert not CollectorRun.objects.exists()
        writer.execute("ROLLBACK")
        wait_until(CollectorRun.objects.filter(ended_at=None).exists)


def test_a_queue_with_other_arguments_is_a_clear_error(rabbitmq_url: str) -> None:
    app = app_on(rabbitmq_url)
    with app.connection_for_write() as link:
        name = f"celeryev.monitor.{installation_id('default')}"
        Queue(name, durable=True).queue_declare(channel=link.default_channel)
    with pytest.raises(TransportError, match=f"{name}' exists with other arguments.*Delete it"):
        build_collector(app, **OPTIONS).run()


class NoFanout(memory.Transport):
    """As those of queues that only hand out tasks."""

    driver_type = "sqs"
    implements = memory.Transport.implements.extend(exchange_type=frozenset(["direct"]))


@pytest.mark.parametrize(
    ("transport", "message"),
    [
        (f"{__name__}:NoFanout", "no events over 'sqs': use RabbitMQ or Redis"),
        ("nowhere.to.be.found:Transport", "cannot be loaded: No module named 'nowhere'"),
        ("sqs", "cannot be loaded: No module named 'boto"),
        ("confluentkafka", "cannot be loaded: name 'KafkaException' is not defined"),
        ("zookeeper", "cannot be loaded: The kazoo library is not installed"),
        ("pyro", "no events over 'pyro': use RabbitMQ or Redis"),
        ("carrierpigeon", "cannot be loaded: .*No such transport: carrierpigeon"),
    ],
)
def test_a_transport_without_events_is_a_clear_error(transport: str, message: str) -> None:
    app = app_on("memory://", broker_transport=transport)
    with pytest.raises(TransportError, match=message):
        build_collector(app, **OPTIONS).run()


def test_whatever_ends_the_receiver_ends_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread died alone, and the collector went on without it."""
    monkeypatch.setattr(Receiver, "_listen", lambda *_args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_collector(app_on("memory://"), **OPTIONS).run()


@contextmanager
def redis_server(port: int, folder: Path) -> Iterator[None]:
    program = find_all([REDIS])["Redis"]["redis-server"]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    log, is_up = folder / "redis.log", lambda: answers(port, b"PING\r\n", b"+PONG")
    with process([program, *options], log, ready=is_up):
        yield


def test_a_broker_that_restarts_is_found_again_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_celery_monitor")
    [port] = free_ports(1)
    app = app_on(f"redis://127.0.0.1:{port}/0")
    collector = build_collector(app, **OPTIONS)
    receiver = collector._receiver
    with running(collector) as raised:
        # It may start before its broker does.
        wait_until(lambda: "No connection to the broker" in caplog.text)
        for task_id in ("t1", "t2"):
            with redis_server(port, tmp_path):
                wait_until(receiver.subscribed.is_set, timeout=20)
                publish(app, *lives([task_id]))
                wait_until(Task.objects.filter(id=task_id).exists)
            wait_until(lambda: not receiver.subscribed.is_set())
    assert not raised
    assert caplog.text.count("No connection to the broker") == 3
    assert caplog.text.count("Listening to") == 2
    runs = CollectorRun.objects.order_by("pk")
    assert [run.ended_by for run in runs] == ["connection lost", "connection lost"]
    note_away("default", "redis", timezone.now() + timedelta(minutes=1))
    gap = Gap.objects.get()
    assert (gap.started_at, gap.ended_at) == (runs[0].ended_at, runs[1].started_at)


def test_stopping_without_a_broker_takes_no_time() -> None:
    [port] = free_ports(1)
    begun = time.monotonic()
    with running(build_collector(app_on(f"redis://127.0.0.1:{port}"), **OPTIONS)) as raised:
        pass
    assert not raised
    assert time.monotonic() - begun < 5


def test_asking_workers_for_events_does_not_wait_for_a_broker() -> None:
    """It tried to connect for ever, and neither stored nor stopped meanwhile."""
    [port] = free_ports(1)
    app = app_on(f"redis://127.0.0.1:{port}")
    with app.connection_for_write() as link, pytest.raises(Exception, match="refused"):
        enable_events(app, link)


class Mailbox:
    """A receiver without a broker: hands out what the test put in, and remembers what is stored."""

    transport = "test"
    installation = UUID(int=0)
    subscription = Subscription(1, time.time())
    ended = None
    error = None
    durable = False

    def __init__(self, *bodies: bytes) -> None:
        self.buffer = Buffer(keeps_all=False)
        self.calls: list[str] = []
        self.subscribed = threading.Event()
        self.subscribed.set()
        self.acknowledged: list[Received] = []
        now = time.monotonic()
        self._messages = [Received(1, tag, each, now) for tag, each in enumerate(bodies)]

    def take(self, _events: int, within: float) -> list[Received]:
        taken, self._messages = self._messages, []
        return taken

    def acknowledge(self, messages: list[Received]) -> None:
        self.acknowledged += messages

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


class Announced:
    def __init__(self) -> None:
        self.revisions: list[int] = []

    def changed(self, revision: int, tasks: Any, workers: Any) -> None:
        self.revisions.append(revision)

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Fussy(Pipeline):
    """As if the database refused, or was away for, batches with some texts in them."""

    def __init__(self, app: Celery, refused: dict[bytes, Exception]) -> None:
        super().__init__(app)
        self.refused = refused
        self.tries = 0

    def store(self, bodies: Any, arrived: float | None = None) -> Outcome:
        self.tries += 1
        for text, error in self.refused.items():
            if any(text in each for each in bodies):
                raise error
        return super().store(bodies, arrived)


def collector_of(mailbox: Mailbox, pipeline: Pipeline) -> Collector:
    app = app_on("memory://")
    return Collector(app, mailbox, pipeline, Announced(), **OPTIONS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error", [DataError("too long"), ValueError("year 0"), OverflowError("int")]
)
def test_one_event_that_the_database_refuses_costs_no_other(error: Exception) -> None:
    """Also none of those that came in the same message."""
    good = [body(recent(f"t{n}", event("started"))) for n in range(40)]
    group = body(
        *[recent(f"g{n}", event("started", name="é")) for n in range(23)],
        recent("bad", event("started", args="poison, token='hunter2'")),
    )
    mailbox = Mailbox(*good[:20], group, *good[20:])
    collector = collector_of(mailbox, Fussy(app_on("memory://"), {b"poison": error}))
    collector.stop()
    collector.run()
    assert Task.objects.count() == 63
    bad = BadEvent.objects.get()
    assert bad.reason == f"refused by the database: {error}"
    assert '"uuid":"bad"' in bad.body
    assert "hunter2" not in bad.body
    assert len(mailbox.acknowledged) == 41


def test_a_database_that_stays_away_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("django_celery_monitor.intake._PATIENCE", 0.2)
    mailbox = Mailbox(body(recent("t1", event("started"))))
    pipeline = Fussy(app_on("memory://"), {b"t1": OperationalError("gone")})
    collector = collector_of(mailbox, pipeline)
    collector.stop()
    collector.run()
    assert mailbox.acknowledged == []
    assert "Stopped with 1 messages not stored" in caplog.text
    assert 1 < pipeline.tries < 5


def test_a_long_wait_for_the_database_is_said_once_and_ended_by_stopping(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("django_celery_monitor.intake._PATIENCE", 0.0)
    mailbox = Mailbox(body(recent("t1", event("started"))))
    pipeline = Fussy(app_on("memory://"), {b"t1": OperationalError("gone")})
    collector = collector_of(mailbox, pipeline)
    with running(collector):
        wait_until(lambda: pipeline.tries >= 3)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    assert caplog.text.count("does not take a batch") == 1


def test_bad_events_are_logged_once_for_each_kind(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline(app_on("memory://"))
    for _turn in range(3):
        pipeline.store([b"{", b"[", body({"type": "task-sent"}), body({"type": "task-x"})])
    assert [record.getMessage().partition(": ")[2][:8] for record in caplog.records] == [
        *("not JSON", "no uuid")
    ]


def did(events: int, bad: int = 0) -> Totals:
    totals = Totals()
    totals.events, totals.bad, totals.lag = events, bad, 0.5
    return totals


def test_a_run_whose_row_is_gone_begins_a_new_one() -> None:
    log, health = RunLog("default", "redis"), Meter(0.0).health(1.0)
    one, two = Subscription(1, time.time()), Subscription(2, time.time())
    for _turn in range(2):
        log.seen(one, None, health, did(2), changed=True)
    assert CollectorRun.objects.get().events == 4
    log.seen(two, Ended(1, time.time(), "connection lost"), health, did(1), changed=False)
    rows = CollectorRun.objects.order_by("pk").values_list("events", "ended_by")
    assert list(rows) == [(4, "connection lost"), (1, "")]
    CollectorRun.objects.all().delete()
    log.seen(two, None, health, did(3, bad=1), changed=False)
    assert CollectorRun.objects.get().events == 3
    log.end(None)
    run = CollectorRun.objects.get()
    assert run.ended_at is not None
    assert run.ended_by == "stopped"
