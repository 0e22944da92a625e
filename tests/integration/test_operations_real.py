"""Many tasks revoked on a real worker, and run again, while a collector runs: stopped, resumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.utils import timezone
from kombu import Exchange, Queue
from kombu.utils.json import dumps
from pytest_django import Settings

from django_celery_monitor.control.operations import Chosen, begin, parsed, resume, stop
from django_celery_monitor.models import ControlAction, Operation, OperationItem, Rerun, Task
from tests.fixtures.workers import CeleryWorker
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on, collecting
from tests.integration.made import failed, now, received, sent, store, superuser
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

MANY, SOME = 10_000, 120
ADD = "tests.project.tasks.add"


def fresh(operation: Operation) -> Operation:
    operation.refresh_from_db()
    return operation


def stopped_and_resumed(operation: Operation, user: Any, some: int, timeout: float) -> None:
    wait_until(lambda: fresh(operation).treated >= some, timeout=timeout)
    stop(user, operation)
    wait_until(lambda: fresh(operation).status == "stopped", timeout=timeout)
    assert some <= operation.treated < operation.matched
    resume(user, operation)
    wait_until(lambda: fresh(operation).status == "finished", timeout=timeout)


@contextmanager
def listening(app: Celery, queue: Queue) -> Iterator[Callable[[], list[Any]]]:
    """What was published to a queue of our own, bound now."""
    with app.connection_for_read() as connection:
        bound = queue(connection.default_channel)
        bound.declare()

        def heard() -> list[Any]:
            messages = iter(lambda: bound.get(no_ack=True), None)
            return [each.decode() for each in messages]

        yield heard


def test_ten_thousand_are_revoked_and_none_twice(
    rabbitmq_url: str, celery_worker: CeleryWorker
) -> None:
    user, moment = superuser(), timezone.now() - timedelta(minutes=5)
    Task.objects.bulk_create(
        Task(id=f"task-{n:05}", name=ADD, state="PENDING", time=moment, updated_at=moment)
        for n in range(MANY)
    )
    worker = celery_worker(rabbitmq_url)
    app = app_on(rabbitmq_url)
    mailbox = Queue(uuid4().hex, Exchange("celery.pidbox", type="fanout", durable=False))
    with listening(app, mailbox) as heard, collecting(app):
        operation = begin(user, "revoke", Chosen(expression=parsed("state=waiting")))
        stopped_and_resumed(operation, user, 1000, timeout=40)
        told = [each for each in heard() if each["method"] == "revoke"]
        replies = worker.app.control.inspect(destination=[worker.hostname], timeout=5).revoked()
    # A worker on a busy machine may answer a batch too late, which is unclear then.
    assert (operation.matched, operation.done + operation.unclear) == (MANY, MANY)
    times = Counter(task_id for each in told for task_id in each["arguments"]["task_id"])
    assert len(times) == MANY
    assert set(times.values()) == {1}
    assert replies
    assert set(replies[worker.hostname]) == set(times)
    assert ControlAction.objects.get().outcome in ("confirmed", "partly")


def test_many_are_run_again_and_none_twice(rabbitmq_url: str, settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RETRY_SAFE": ["tests.*"]}
    user, at = superuser(), now() - 60
    for n in range(SOME):
        told = sent(f"old-{n}", at, name=ADD, payload=dumps([[n, 1], {}]), queue="again")
        store(
            told | {"type": "monitor-published"},
            received(f"old-{n}", at + 1, name=ADD),
            failed(f"old-{n}", at + 2),
        )
    app = app_on(rabbitmq_url)
    queue = Queue("again", Exchange("again", type="direct"), routing_key="again")
    with listening(app, queue) as heard, collecting(app):
        operation = begin(user, "retry", Chosen(expression=parsed("state=failed")))
        stopped_and_resumed(operation, user, 1, timeout=50)
        messages = heard()
    wrong = OperationItem.objects.exclude(status="done").values_list("status", "message")
    assert list(wrong) == []
    assert sorted(args[0] for args, _kwargs, _embed in messages) == list(range(SOME))
    items = OperationItem.objects.values_list("task_id", "new_id")
    assert set(Rerun.objects.values_list("origin_id", "task_id")) == set(items)
    assert ControlAction.objects.count() == 1
