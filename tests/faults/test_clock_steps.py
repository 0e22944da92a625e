"""The clocks of two workers are set an hour forward and back amid the stream."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import orjson
import pytest
from django.utils import timezone

from benchmarks.stream import Message, Stream
from django_celery_monitor.models import CollectorRun, Gap, Worker
from django_celery_monitor.state.worker import Health
from django_celery_monitor.workers import worker_health
from tests.faults.comparing import assert_equal, wait_until_stored
from tests.faults.conftest import CollectorsOn
from tests.faults.publishing import publishing
from tests.faults.sizes import BATCH, PATIENCE, sized
from tests.faults.truth import Truth, recent
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])

AHEAD, BEHIND = "celery@worker-3", "celery@worker-5"
STEPS = {AHEAD: 3600.0, BEHIND: -3600.0}


def test_workers_whose_clocks_step_by_an_hour_cost_no_event(
    rabbitmq_url: str, collectors_on: CollectorsOn
) -> None:
    truth = Truth()
    collectors = collectors_on(rabbitmq_url, "postgresql")
    collectors.begin(BATCH)
    messages = list(recent(Stream(events=sized(100_000), failures=0.05, retries=0.05)))
    half = len(messages) // 2
    before, after = messages[:half], list(stepped(messages[half:]))
    with publishing(rabbitmq_url) as publisher:
        publisher.send(truth.noting([*before, *after]))
        wait_until_stored(truth, "postgresql", collectors.alive)
        publisher.send(stepped(map(heartbeat, sorted(truth.workers))))
    workers = Worker.objects.using("postgresql")
    # What a worker says of an hour ago is no news of it; but it lives.
    expected = dict.fromkeys(truth.workers, 0.0) | {AHEAD: 3600.0}
    wait_until(lambda: offsets() == expected)
    healths = {worker_health(each, timezone.now(), PATIENCE) for each in workers.all()}
    assert healths == {Health.ONLINE}
    assert_equal(truth, "postgresql", in_flight=ids(before) & ids(after))
    assert workers.count() == len(truth.workers)
    assert not Gap.objects.using("postgresql").exists()
    run = CollectorRun.objects.using("postgresql").get()
    assert run.bad_events == run.late_events == 0


def stepped(messages: Iterable[Message]) -> Iterator[Message]:
    for message in messages:
        content = orjson.loads(message.body)
        for event in content if isinstance(content, list) else [content]:
            event["timestamp"] += STEPS.get(event["hostname"], 0.0)
        yield message._replace(body=orjson.dumps(content))


def heartbeat(hostname: str) -> Message:
    event = {
        "type": "worker-heartbeat",
        "hostname": hostname,
        "timestamp": time.time(),
        "utcoffset": 0,
        "pid": 1,
        "clock": 1,
        "freq": 2.0,
        "active": 0,
        "processed": 0,
    }
    return Message("worker.heartbeat", hostname, orjson.dumps(event), 0)


def ids(messages: Iterable[Message]) -> set[str]:
    truth = Truth()
    for _message in truth.noting(messages):
        pass
    return set(truth.tasks)


def offsets() -> dict[str, float]:
    """What the collector makes of the clocks, to the nearest minute."""
    rows = Worker.objects.using("postgresql").values_list("hostname", "clock_offset")
    return {hostname: round((offset or 0.0) / 60) * 60.0 for hostname, offset in rows}
