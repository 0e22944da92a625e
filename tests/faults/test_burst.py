"""Much at once, and tasks that take their time, with nothing but defaults."""

from __future__ import annotations

import time

import pytest

from benchmarks import stream
from benchmarks.stream import Stream
from django_celery_monitor.models import Gap
from tests.faults.comparing import assert_equal, wait_until_stored
from tests.faults.conftest import CollectorsOn
from tests.faults.publishing import publishing
from tests.faults.sizes import sized
from tests.faults.truth import Truth, recent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])


def test_a_burst_at_full_speed_is_stored_whole(
    rabbitmq_url: str, collectors_on: CollectorsOn
) -> None:
    """Celery's own receiver declares a queue that drops what waits for five seconds."""
    truth = Truth()
    collectors = collectors_on(rabbitmq_url, "postgresql")
    collectors.begin()
    messages = list(truth.noting(recent(Stream(events=sized(200_800)))))
    with publishing(rabbitmq_url) as publisher:
        publisher.send(messages)
    wait_until_stored(truth, "postgresql", collectors.alive)
    assert_equal(truth, "postgresql")
    assert not Gap.objects.using("postgresql").exists()


def test_events_of_a_task_that_lie_minutes_apart_are_one_row(
    rabbitmq_url: str, collectors_on: CollectorsOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comes in a batch of its own, after those of thousands of other tasks."""
    events, between, minutes = sized(1_000_000), sized(50_000), 2
    monkeypatch.setattr(stream, "TASKS_PER_SECOND", between / (60 * minutes))
    truth = Truth()
    collectors = collectors_on(rabbitmq_url, "postgresql")
    collectors.begin()
    begin = time.time() - 60 * minutes * (events / 4 / between + 4)
    messages = truth.noting(Stream(events=events, interleave=between).messages(begin))
    with publishing(rabbitmq_url) as publisher:
        publisher.send(messages)
    wait_until_stored(truth, "postgresql", collectors.alive)
    assert_equal(truth, "postgresql")
