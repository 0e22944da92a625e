"""The fixtures other tests stand on."""

from __future__ import annotations

import signal

import pytest

from tests.fixtures.workers import CeleryWorker

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
