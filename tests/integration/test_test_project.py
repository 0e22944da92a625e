"""The fixtures other tests stand on."""

from __future__ import annotations

import signal

import pytest

from tests.fixtures.apps import close_backend
from tests.fixtures.sockets import open_sockets, to_brokers
from tests.fixtures.workers import CeleryWorker
from tests.project.celery import client_app

# Workers get the URL of the test's database, which exists only with this.
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_real_worker_runs_tasks_and_gives_back_their_results(
    broker_url: str, celery_worker: CeleryWorker
) -> None:
    worker = celery_worker(broker_url)
    results = [
        worker.send("add", 2, 3),
        worker.send("echo", "ä", key=[1]),
        worker.send("retry_then_succeed", retries=1),
    ]
    assert [result.get(timeout=20) for result in results] == [
        5,
        {"args": ["ä"], "kwargs": {"key": [1]}},
        1,
    ]


def test_a_worker_ends_when_it_is_told_to(redis_url: str, celery_worker: CeleryWorker) -> None:
    worker = celery_worker(redis_url, pool="solo")
    worker.process.signal(signal.SIGTERM)
    assert worker.process.wait() == 0


def test_a_result_that_outlives_its_test_opens_no_connection(redis_url: str) -> None:
    """Its socket was garbage with the app, and an error in whatever test came then."""
    app = client_app(broker_url=redis_url, result_backend=redis_url)
    result = app.send_task("tests.project.tasks.add", (1, 2))
    close_backend(app)
    before = open_sockets()
    del result
    assert to_brokers(open_sockets() - before) == []
