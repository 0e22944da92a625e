"""The buffer between publishing threads and the broker: bounded, patient, safe to fork."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery.signals import worker_process_shutdown

from django_celery_monitor.recorder import outbox as outbox_module
from django_celery_monitor.recorder import receivers
from django_celery_monitor.recorder.capture import Captured
from django_celery_monitor.recorder.outbox import MOST_WAITING, Outbox
from tests.listening import Listener, listening
from tests.servers.ports import free_ports
from tests.waiting import wait_until


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery(f"outbox-{uuid4().hex}", broker="memory://", set_as_current=False)
    app.conf.event_exchange = f"exchange-{uuid4().hex}"
    yield app
    app.close()


@pytest.fixture
def away() -> Iterator[Celery]:
    """An app whose broker's port is closed."""
    app = Celery("away", broker=f"redis://127.0.0.1:{free_ports(1)[0]}/0", set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def listener(app: Celery) -> Iterator[Listener]:
    with listening(app) as listener:
        yield listener


def item(app: Celery, number: int = 0, payload: str = "[[], {}]") -> Captured:
    headers = {"id": f"t{number}", "task": "shop.pay", "argsrepr": "()", "kwargsrepr": "{}"}
    return Captured(
        app=app,
        time=time.time(),
        headers=headers,
        older=None,
        payload=payload,
        flaw="",
        canvas="",
        canvas_flaw="",
        exchange="",
        routing_key="celery",
        properties={},
        declared=None,
        chord=None,
        origin="",
    )


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["uuid"] for event in events]


def recorder_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "celery-monitor"]


def test_what_is_added_is_sent_without_being_asked(app: Celery, listener: Listener) -> None:
    outbox = Outbox(app)
    outbox.add(item(app))
    assert ids(listener.events(1)) == ["t0"]
    outbox.flush(5)


def test_a_thread_runs_only_while_there_is_something_to_send(
    app: Celery, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    monkeypatch.setattr(outbox_module, "_IDLE", 0.01)
    outbox = Outbox(app)
    assert outbox._thread is None
    for number in range(3):
        outbox.add(item(app, number))
        listener.events(number + 1)
        wait_until(lambda: not outbox._running)
    assert ids(listener.events(3)) == ["t0", "t1", "t2"]


def test_nothing_is_left_behind_when_the_thread_ends_as_something_comes(
    app: Celery, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    monkeypatch.setattr(outbox_module, "_IDLE", 0.0005)
    monkeypatch.setattr(outbox_module, "_WINDOW", 0.0)
    outbox = Outbox(app)
    for number in range(300):
        outbox.add(item(app, number))
        wait_until(outbox._queue.empty, interval=0.0005)
    assert sorted(ids(listener.events(300))) == sorted(f"t{number}" for number in range(300))
    outbox.flush(5)


def test_a_broker_that_is_away_costs_no_memory_and_one_line(
    away: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(away)
    for number in range(MOST_WAITING + 3000):
        outbox.add(item(away, number))
    assert outbox.dropped >= 1000
    assert outbox._queue.qsize() <= MOST_WAITING
    assert [each.message for each in caplog.records if "drops" in each.message] == [
        "The recorder drops events: too many wait to be sent"
    ]
    outbox.flush(5)


def test_large_events_fill_the_buffer_sooner(away: Celery) -> None:
    outbox = Outbox(away)
    outbox._running = True
    for number in range(2000):
        outbox.add(item(away, number, payload="x" * 16_000))
    assert outbox._queue.qsize() * 16_000 <= 17 * 1024 * 1024
    assert outbox.dropped > 0


def test_adding_never_waits_for_a_broker_that_does_not_answer(
    away: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(away)
    slowest = 0.0
    with caplog.at_level(logging.WARNING):
        for number in range(200):
            begun = time.thread_time()
            outbox.add(item(away, number))
            slowest = max(slowest, time.thread_time() - begun)
        wait_until(lambda: "cannot send" in caplog.text)
    assert slowest < 0.05
    begun = time.monotonic()
    outbox.flush(2)
    assert time.monotonic() - begun < 4
    assert caplog.text.count("cannot send") == 1


def test_what_waited_for_the_broker_is_sent_when_it_is_back(
    app: Celery, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(outbox_module, "_MAX_DELAY", 0.01)
    real = app.connection_for_write
    tries: list[int] = []

    def refused(*_args: Any, **_options: Any) -> Any:
        tries.append(1)
        if len(tries) < 5:
            raise ConnectionRefusedError
        return real()

    monkeypatch.setattr(app, "connection_for_write", refused)
    outbox = Outbox(app)
    outbox.add(item(app, 1))
    wait_until(lambda: len(tries) > 2)
    outbox.add(item(app, 2))
    assert ids(listener.events(2)) == ["t1", "t2"]
    assert outbox.dropped == 0
    outbox.flush(5)


def test_what_came_while_a_list_was_being_sent_is_flushed_too(
    app: Celery, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was left behind when a process ended just then."""
    sending, go_on = threading.Event(), threading.Event()
    real = app.connection_for_write

    def slow(*_args: Any, **_options: Any) -> Any:
        sending.set()
        go_on.wait(10)
        return real()

    monkeypatch.setattr(app, "connection_for_write", slow)
    outbox = Outbox(app)
    outbox.add(item(app, 1))
    assert sending.wait(10)
    outbox.add(item(app, 2))
    ending = threading.Thread(target=outbox.flush, args=(10,))
    ending.start()
    wait_until(lambda: outbox._stopping)
    go_on.set()
    ending.join(10)
    assert not outbox._running
    assert ids(listener.events(2)) == ["t1", "t2"]


class Unspeakable:
    def __str__(self) -> str:
        raise LookupError


@pytest.mark.parametrize(
    "odd", [{}, {"task": ["no", "name"]}, {"retries": Unspeakable()}, {"timelimit": 3}]
)
def test_one_event_that_cannot_be_written_costs_no_other(
    app: Celery, listener: Listener, caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    outbox = Outbox(app)
    for number in range(4):
        captured = item(app, number)
        if number % 2:
            captured.headers.update(odd)
            if not odd:
                del captured.headers["id"]
        outbox.add(captured)
    outbox.flush(5)
    assert ids(listener.events(2)) == ["t0", "t2"]
    assert caplog.text.count("cannot tell of a task") == 1


def test_a_transport_without_events_is_left_alone(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = app.connection_for_write()
    monkeypatch.setattr(connection, "supports_exchange_type", lambda _kind: False)
    monkeypatch.setattr(app, "connection_for_write", lambda: connection)
    outbox = Outbox(app)
    outbox.add(item(app))
    outbox.flush(5)
    outbox.add(item(app))
    assert outbox._queue.empty()
    assert not outbox._running


def test_a_forked_process_sends_what_it_publishes_itself(app: Celery, away: Celery) -> None:
    """What waits is its parent's to send, or it would come twice."""
    outbox = receivers._outboxes[away] = Outbox(away)
    outbox.add(item(away, 1))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        alone = not recorder_threads() and outbox._queue.empty() and not outbox._unsent
        outbox.add(item(away, 2))
        started = bool(recorder_threads()) and not outbox._starting.locked()
        os.write(writer, b"good" if alone and started else b"bad!")
        os._exit(0)
    try:
        assert os.read(reader, 4) == b"good"
        assert os.waitpid(child, 0)[1] == 0
        # Only the parent has it, and tries on.
        assert len(outbox._unsent) + outbox._queue.qsize() >= 1
    finally:
        os.close(reader)
        os.close(writer)
        del receivers._outboxes[away]


def test_a_fork_waits_until_no_thread_is_beside_it(app: Celery, listener: Listener) -> None:
    outbox = receivers._outboxes[app] = Outbox(app)
    try:
        outbox.add(item(app, 1))
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        assert not outbox._running
        outbox.add(item(app, 2))
        assert ids(listener.events(2)) == ["t1", "t2"]
        outbox.flush(5)
    finally:
        del receivers._outboxes[app]


def test_a_worker_process_that_ends_sends_what_waits(app: Celery, listener: Listener) -> None:
    outbox = receivers._outboxes[app] = Outbox(app)
    try:
        outbox.add(item(app, 1))
        worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
        assert not outbox._running
        assert ids(listener.events(1)) == ["t1"]
    finally:
        del receivers._outboxes[app]
