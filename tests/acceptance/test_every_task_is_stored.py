"""Real workers, real brokers, the real command: what is stored is what happened."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from celery.result import AsyncResult

from django_celery_monitor.models import CollectorRun, Task, TaskError, Worker
from tests.fixtures.processes import Process, StartProcess, project_env
from tests.fixtures.workers import CeleryWorker
from tests.fixtures.workers import Worker as RealWorker
from tests.project.journal import VARIABLE
from tests.waiting import wait_until

FINAL = {"SUCCESS", "FAILURE", "REVOKED"}


class Collecting:
    """Starts collectors on one broker and database."""

    def __init__(self, start: StartProcess, env: dict[str, str], alias: str) -> None:
        self._start, self._env, self._alias = start, env, alias

    def begin(self) -> Process:
        runs = CollectorRun.objects.using(self._alias)
        before = runs.count()
        process = self._start("-m", "django", "celerymonitor", env=self._env)
        wait_until(lambda: runs.count() > before or process.child.poll() is not None, timeout=30)
        assert process.child.poll() is None, process.output()
        return process


def send_mix(worker: RealWorker, size: int) -> dict[str, tuple[AsyncResult[Any], str]]:
    """About ``size`` tasks of every kind: id to (result, the text of its arguments)."""
    sent: dict[str, tuple[AsyncResult[Any], str]] = {}
    name = "tests.project.tasks.{}".format

    def send(task: str, *args: Any, count: int = 1, **options: Any) -> None:
        for number in range(count):
            values = tuple(number if each is ... else each for each in args)
            result = worker.app.send_task(name(task), values, queue="celery", **options)
            sent[result.id] = (result, repr(values))

    unit = size // 100
    # They expire when their time comes. First, and no more than a worker of two prefetches:
    # RabbitMQ drops what expires in a queue.
    send("add", ..., 1, count=min(2 * unit, 8), countdown=1.5, expires=1)
    send("add", ..., 2, count=60 * unit)
    send("echo", "größe", "日本語", ..., count=18 * unit)
    send("fail", "no stock for 🧦", count=9 * unit)
    send("retry_then_succeed", 2, count=5 * unit)
    send("always_retry", count=4 * unit)
    send("not_registered", ..., count=2 * unit)
    return sent


@pytest.mark.parametrize(("broker", "alias"), [("redis", "default"), ("rabbitmq", "postgresql")])
@pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])
def test_a_thousand_mixed_tasks_are_stored_as_they_ended(
    broker: str,
    alias: str,
    request: pytest.FixtureRequest,
    redis_url: str,
    start_process: StartProcess,
    celery_worker: CeleryWorker,
    tmp_path: Path,
) -> None:
    broker_url = request.getfixturevalue(f"{broker}_url")
    journal = tmp_path / "journal"
    collecting = Collecting(
        start_process, project_env(broker_url, redis_url, database=alias), alias
    )
    collecting.begin()
    # Not started with -E: the app switches events on.
    worker = celery_worker(broker_url, concurrency=2, events=False, env={VARIABLE: str(journal)})
    sent = send_mix(worker, 1000)
    tasks = Task.objects.using(alias)

    wait_until(lambda: all(result.ready() for result, _args in sent.values()), timeout=90)
    wait_until(lambda: tasks.filter(state__in=FINAL).count() == len(sent), timeout=30)

    runs = Counter(json.loads(line)["id"] for line in journal.read_text().splitlines())
    for task in tasks:
        result, args = sent.pop(task.id)
        assert task.state == result.state
        if task.state == "REVOKED":
            continue
        assert task.worker == worker.hostname
        if task.state == "SUCCESS":
            assert task.result == repr(result.result)
            assert task.exception == ""
            assert task.runtime is not None
        if "not_registered" in (task.exception + task.name):
            assert runs[task.id] == 0
            continue
        assert (task.name, task.args) == (result.name, args)
        assert task.retries + 1 == runs[task.id]
        errors = TaskError.objects.using(alias).filter(task_id=task.id)
        failed = task.state == "FAILURE"
        assert errors.count() == task.retries + failed
        if failed:
            assert task.exception == repr(result.result)
            error = errors.get(retry=False)
            assert error.traceback == result.traceback
            assert error.type == type(result.result).__name__
    assert sent == {}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_missing_on_rabbitmq_when_the_collector_was_away(
    rabbitmq_url: str, redis_url: str, start_process: StartProcess, celery_worker: CeleryWorker
) -> None:
    collecting = Collecting(start_process, project_env(rabbitmq_url, redis_url), "default")
    worker = celery_worker(rabbitmq_url)
    first = collecting.begin()
    results = [worker.send("add", number, 1) for number in range(50)]
    wait_until(lambda: Task.objects.filter(state="SUCCESS").count() == 50, timeout=30)

    first.signal(signal.SIGTERM)
    assert first.wait() == 0, first.output()
    results += [worker.send("add", number, 2) for number in range(250)]
    wait_until(lambda: all(result.ready() for result in results), timeout=60)
    collecting.begin()

    wait_until(lambda: Task.objects.filter(state="SUCCESS").count() == 300, timeout=30)
    assert not Task.objects.filter(received_at=None).exists()
    assert not Task.objects.filter(started_at=None).exists()
    assert set(Task.objects.values_list("id", flat=True)) == {result.id for result in results}
    assert Worker.objects.get().hostname == worker.hostname
