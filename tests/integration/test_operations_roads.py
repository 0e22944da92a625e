"""Operations on real brokers: one connection for what they publish, time for busy workers."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from celery import Celery
from kombu.utils.json import dumps

from django_celery_monitor.control.acts.base import Act, Result
from django_celery_monitor.control.operations import Chosen, begin
from django_celery_monitor.control.perform import step
from django_celery_monitor.control.way import PATIENCE, Road, Way
from django_celery_monitor.models import Operation
from django_celery_monitor.upkeep.operations import Runner
from tests.fixtures.workers import CeleryWorker
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on
from tests.integration.kept import a_task, a_worker
from tests.integration.made import failed, now, received, sent, store, superuser

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

ADD = "tests.project.tasks.add"
IDS = [f"task-{n}" for n in range(8)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Connections to the broker, as they are opened."""
    found: list[Any] = []
    opened = Way._opened

    def noting(way: Way, made: Any) -> Any:
        found.append(made)
        return opened(way, made)

    monkeypatch.setattr(Way, "_opened", noting)
    return found


def again() -> Operation:
    at = now() - 60
    for number, task_id in enumerate(IDS):
        told = sent(task_id, at, name=ADD, payload=dumps([[number, 1], {}]), queue="celery")
        told |= {"type": "monitor-published"}
        store(told, received(task_id, at + 1, name=ADD), failed(task_id, at + 2))
    return begin(superuser(), "retry", Chosen(ids=IDS), parameters={"confirm": True})


def finish(runner: Runner) -> None:
    while runner.step(time.monotonic()):
        pass
    runner.close()


def statuses(operation: Operation) -> Counter[str]:
    return Counter(operation.items.values_list("status", flat=True))


def waiting(app: Celery) -> list[int]:
    """The first argument of each task in the queue."""
    with app.connection_for_read() as connection:
        queue = app.amqp.queues["celery"](connection.default_channel)
        queue.declare()
        messages: Any = iter(lambda: queue.get(no_ack=True), None)
        return sorted(each.payload[0][0] for each in messages)


def test_what_is_run_again_shares_one_connection(broker_url: str, opened: list[Any]) -> None:
    operation, app = again(), app_on(broker_url)
    finish(Runner(app, "default"))
    assert statuses(operation) == {"done": len(IDS)}
    assert len(opened) == 1
    assert waiting(app) == list(range(len(IDS)))
    app.close()


def test_a_connection_that_breaks_costs_one_task_and_is_opened_anew(
    rabbitmq_url: str, opened: list[Any]
) -> None:
    operation, app, calls = again(), app_on(rabbitmq_url), list[Any]()

    def breaking(user: Any, act: Act, given: Mapping[str, Any], road: Road) -> Result:
        calls.append(given["id"])
        if len(calls) == 3:
            kept: Any = road._connection
            kept.connection.transport.sock.shutdown(socket.SHUT_RDWR)
        return step(user, act, given, road)

    finish(Runner(app, "default", breaking))
    assert statuses(operation) == {"done": len(IDS) - 1, "unclear": 1}
    assert operation.items.get(status="unclear").task_id == IDS[2]
    assert len(opened) == 2
    found = waiting(app)
    assert len(found) == len(set(found))
    assert set(found) >= set(range(len(IDS))) - {2}
    app.close()


def test_a_connection_that_lay_still_for_long_is_not_trusted(
    rabbitmq_url: str, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_celery_monitor.control.way._FRESH", 0.0)
    operation, app = again(), app_on(rabbitmq_url)
    finish(Runner(app, "default"))
    assert statuses(operation) == {"done": len(IDS)}
    assert len(opened) == len(IDS)
    app.close()


def test_a_worker_that_answers_late_has_done_it_all_the_same(
    redis_url: str, celery_worker: CeleryWorker
) -> None:
    worker = celery_worker(redis_url)
    a_worker(worker.hostname)
    for task_id in IDS:
        a_task(task_id, state="PENDING")
    operation = begin(superuser(), "revoke", Chosen(ids=IDS))
    app = app_on(redis_url)
    worker.process.signal(signal.SIGSTOP)
    busy = threading.Timer(2 * PATIENCE, worker.process.signal, [signal.SIGCONT])
    busy.start()
    finish(Runner(app, "default"))
    busy.join()
    assert statuses(operation) == {"done": len(IDS)}
    app.close()
