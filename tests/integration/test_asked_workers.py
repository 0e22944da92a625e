"""Real workers are asked on real brokers, and a real result backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest
from celery import Celery

from django_celery_monitor.control.results import Results
from django_celery_monitor.models import Task
from django_celery_monitor.pipeline import Pipeline
from django_celery_monitor.upkeep.conclusions import Conclusion
from django_celery_monitor.upkeep.open_rows import Pauses
from django_celery_monitor.upkeep.settler import Pace, Settler
from tests.fixtures.workers import CeleryWorker
from tests.integration.collecting import app_on, collecting, publish
from tests.streams import event, wire
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# As in production, but soon.
PACE = Pace(every=0.2, pauses=Pauses(0.2, 0.8), grace=0.5, timeout=1.0)


def state(task_id: str) -> tuple[str, str]:
    return Task.objects.filter(pk=task_id).values_list("state", "known_by").first() or ("", "")


def turning(app: Celery) -> Callable[[], None]:
    """A turn of a settler that listens from now on."""

    def settle(conclusions: Sequence[Conclusion]) -> None:
        Pipeline(app).settle(conclusions)

    settler, begun = Settler(app, "default", settle, PACE), time.monotonic()

    def turn() -> None:
        now = time.monotonic()
        settler.turn(now, now - begun)

    return turn


def test_a_task_that_raises_ignore_is_settled_and_no_other(
    broker_url: str, redis_url: str, celery_worker: CeleryWorker
) -> None:
    app = app_on(broker_url, result_backend=redis_url)
    with collecting(app):
        worker = celery_worker(broker_url, concurrency=1)
        ignored = worker.send("ignore")
        slow = worker.send("slow", 60)
        prefetched = worker.send("add", 1, 2)
        wait_until(lambda: state(ignored.id)[0] == "STARTED", timeout=20)
        wait_until(lambda: state(slow.id)[0] == "STARTED", timeout=20)
        wait_until(lambda: state(prefetched.id)[0] == "RECEIVED", timeout=20)

        turn = turning(app)

        def settled() -> bool:
            turn()
            return state(ignored.id) == ("IGNORED", "worker asked")

        wait_until(settled, timeout=20)
        assert state(slow.id) == ("STARTED", "worker")
        assert state(prefetched.id) == ("RECEIVED", "worker")


def test_an_end_that_nobody_heard_is_settled_and_its_late_event_counts(
    redis_url: str, celery_worker: CeleryWorker
) -> None:
    app = app_on(redis_url, result_backend=redis_url)
    worker = celery_worker(redis_url)
    with collecting(app):
        slow = worker.send("slow", 2)
        wait_until(lambda: state(slow.id)[0] == "STARTED", timeout=20)
    wait_until(slow.ready, timeout=20)
    with collecting(app):
        turn = turning(app)

        def settled() -> bool:
            turn()
            return state(slow.id) == ("SUCCESS", "result backend")

        wait_until(settled, timeout=20)
        task = Task.objects.get(pk=slow.id)
        assert (task.result, task.duration) == ("2", None)
        assert task.finished_at
        assert task.finished_at == slow.date_done

        late = event("succeeded", host=task.worker, result="2.0", runtime=2.0)
        at = task.finished_at.timestamp() - 0.01
        publish(app, wire(slow.id, late._replace(timestamp=at)))
        wait_until(lambda: state(slow.id) == ("SUCCESS", "worker"))
        assert Task.objects.get(pk=slow.id).runtime == 2.0


def test_the_connections_to_the_result_backend_are_closed_after_each_look(redis_url: str) -> None:
    app = Celery("looking", broker=redis_url, backend=redis_url, set_as_current=False)
    results = Results(app)
    assert results.ended("nobody") is None
    pool = results._backend.client.connection_pool
    assert [each for each in pool._available_connections if each.is_connected]
    results.close()
    assert not [each for each in pool._available_connections if each.is_connected]
    assert results.ended("nobody") is None
    results.close()
