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

from django_celery_monitor.control.operations import Chosen, begin, parsed
from django_celery_monitor.models import ControlAction, Task
from tests.fixtures.workers import CeleryWorker
from tests.integration.acting import _no_thread_is_left, stopped_and_resumed
from tests.integration.collecting import app_on, collecting
from tests.integration.made import superuser

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

MANY = 10_000
ADD = "tests.project.tasks.add"


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
        stopped_and_resumed(operation, user, 1000, timeout=120)
        told = [each for each in heard() if each["method"] == "revoke"]
        replies = worker.app.control.inspect(destination=[worker.hostname], timeout=5).revoked()
    assert (operation.matched, operation.done) == (MANY, MANY)
    times = Counter(task_id for each in told for task_id in each["arguments"]["task_id"])
    assert len(times) == MANY
    assert set(times.values()) == {1}
    assert replies
    assert set(replies[worker.hostname]) == set(times)
    assert ControlAction.objects.get().outcome == "confirmed"
