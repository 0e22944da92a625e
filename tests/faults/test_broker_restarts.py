"""A broker that goes and comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

import orjson
import pytest
from django.utils import timezone

from benchmarks.stream import Message, Stream
from django_celery_monitor.models import Gap, Task
from tests.faults.collectors import Collectors
from tests.faults.comparing import assert_equal, counted, stored_events, wait_until_stored
from tests.faults.publishing import publishing
from tests.faults.servers import private_rabbitmq, private_redis
from tests.faults.sizes import BATCH, FACTOR, PATIENCE, sized
from tests.faults.truth import Truth, recent
from tests.fixtures.processes import StartProcess, project_env
from tests.project.celery import client_app
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])

# When it connects again, when gaps are judged, and when open rows are asked about.
SOON = {
    "django_celery_monitor.ingest.receiver._MAX_DELAY": 30.0 * FACTOR,
    "django_celery_monitor.upkeep.gaps.SETTLED": 20.0 * FACTOR,
    "django_celery_monitor.upkeep.watch.FIRST": 22.0 * FACTOR,
    "django_celery_monitor.upkeep.settler.PACE": {
        "every": 10.0 * FACTOR,
        "grace": 30.0 * FACTOR,
        "pauses": [60.0 * FACTOR, 3600.0 * FACTOR],
    },
}


def test_a_rabbitmq_that_is_restarted_costs_no_event(
    redis_url: str, start_process: StartProcess
) -> None:
    """Events are transient messages: a classic queue would come back empty."""
    truth = Truth()
    with private_rabbitmq() as broker:
        env = project_env(broker.url, redis_url, database="postgresql")
        collectors = Collectors(start_process, env)
        process = collectors.begin(BATCH, constants=SOON)
        messages = truth.noting(recent(Stream(events=sized(100_000), failures=0.05, retries=0.05)))
        with publishing(broker.url) as publisher:
            publisher.send(islice(messages, sized(40_000)))
        wait_until(lambda: counted("postgresql") > 0, PATIENCE)
        broker.restart()
        # Until its queue has a leader again, RabbitMQ 3.10 may leave a publisher waiting for ever.
        collectors.wait_until_listening(process, 2)
        with publishing(broker.url) as publisher:
            publisher.send(messages)
        wait_until_stored(truth, "postgresql", collectors.alive)
        assert_equal(truth, "postgresql")
        assert not Gap.objects.using("postgresql").exists()
        assert "No connection to the broker" in process.output()


# Celery's backend of results, with a new client of Redis.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex")
def test_after_a_restart_of_redis_there_is_a_gap_and_finals_come_from_the_result_backend(
    redis_url: str, start_process: StartProcess
) -> None:
    stream = Stream(events=sized(40_000), failures=0.1, interleave=sized(2_000))
    whole, told = Truth(), Truth()
    messages = list(whole.noting(recent(stream)))
    third = len(messages) // 3
    with private_redis() as broker:
        collectors = Collectors(start_process, project_env(broker.url, redis_url))
        process = collectors.begin(BATCH, constants=SOON)
        with publishing(broker.url) as publisher:
            publisher.send(told.noting(messages[:third]))
        wait_until_stored(told, "default", collectors.alive)
        broker.stop()
        stopped = timezone.now()
        _keep_results(messages[third : 2 * third], redis_url)
        broker.start()
        collectors.wait_until_listening(process, 2)
        with publishing(broker.url) as publisher:
            publisher.send(told.noting(messages[2 * third :]))
        wait_until(lambda: not _wrong_finals(whole, told), PATIENCE, interval=0.5)
    gap = Gap.objects.get()
    assert gap.started_at < stopped + timedelta(seconds=1) < gap.ended_at + timedelta(seconds=1)
    assert stored_events("default").keys() == told.tasks.keys()
    assert Task.objects.filter(known_by="result backend").exists()


def _keep_results(messages: Iterable[Message], redis_url: str) -> None:
    """What workers leave in the result backend while nobody hears of it."""
    backend = client_app(broker_url="memory://", result_backend=redis_url).backend
    for message in messages:
        content = orjson.loads(message.body)
        for event in content if isinstance(content, list) else [content]:
            if event["type"] == "task-succeeded":
                backend.store_result(event["uuid"], event["result"], "SUCCESS")
            elif event["type"] == "task-failed":
                backend.store_result(event["uuid"], ValueError(event["exception"]), "FAILURE")
    backend.client.connection_pool.disconnect()  # type: ignore[attr-defined] # of the Redis one


def _wrong_finals(whole: Truth, told: Truth) -> list[str]:
    """Tasks whose rows do not say how they ended, or from whom that is known."""
    found = []
    for task in Task.objects.filter(pk__in=list(told.tasks)):
        heard = {event[2] for event in told.tasks[task.pk].events}
        known_by = "worker" if heard & {"succeeded", "failed"} else "result backend"
        if (task.state, task.known_by) != (whole.tasks[task.pk].row["state"], known_by):
            found.append(task.pk)
    return found
