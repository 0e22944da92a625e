"""kill -9 of the collector at every boundary between two stages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple

import pytest
from django.utils import timezone

from benchmarks.stream import Message, Stream
from django_celery_monitor.models import Gap
from django_celery_monitor.upkeep.gaps import note_away
from tests.faults.comparing import (
    assert_equal,
    send_in_rounds,
    stored_events,
    wait_until_stored,
)
from tests.faults.conftest import CollectorsOn
from tests.faults.crashing import POINTS
from tests.faults.publishing import Publisher, publishing
from tests.faults.sizes import BATCH, PATIENCE, sized
from tests.faults.truth import Identity, Truth, recent
from tests.fixtures.processes import Process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])

# Not at the first batch: the one before is on its way to be acknowledged then.
CRASHES = [f"{point}:3" for point in POINTS]


def test_killed_at_every_boundary_nothing_is_lost_on_rabbitmq(
    rabbitmq_url: str, collectors_on: CollectorsOn
) -> None:
    truth = Truth()
    collectors = collectors_on(rabbitmq_url, "postgresql")
    process = collectors.begin(BATCH, crashes=CRASHES)
    with publishing(rabbitmq_url) as publisher:
        stream = Stream(events=sized(100_000), failures=0.05, retries=0.05)
        publisher.send(truth.noting(recent(stream)))
    wait_until_stored(truth, "postgresql", collectors.alive)
    assert process.output().count("Killed at") == len(CRASHES), process.output()
    assert_equal(truth, "postgresql")
    assert not Gap.objects.using("postgresql").exists()


class Slice(NamedTuple):
    """What was published between two moments."""

    begun: datetime
    ended: datetime
    messages: list[Message]
    truth: Truth

    def missing(self, stored: dict[str, set[Identity]]) -> int:
        """How many of its events are not stored."""
        tasks = self.truth.tasks
        return sum(len(told.events - stored.get(pk, set())) for pk, told in tasks.items())


def test_killed_at_every_boundary_what_is_lost_on_redis_lies_in_gaps(
    redis_url: str, collectors_on: CollectorsOn
) -> None:
    """And it is all there once the stream is published again."""
    # Redis has nothing to acknowledge.
    crashes = [each for each in CRASHES if not each.startswith("acknowledged")]
    collectors = collectors_on(redis_url, "default")
    process = collectors.begin(BATCH, crashes=crashes)
    slices: list[Slice] = []
    with publishing(redis_url) as publisher:
        for life in range(len(crashes)):
            collectors.wait_until_listening(process, life + 1)
            slices += _publish(publisher, seed=life)
            wait_until(partial(_killed, process, life + 1), PATIENCE)
        collectors.wait_until_listening(process, len(crashes) + 1)
        slices += _publish(publisher, seed=len(crashes))
        wait_until(lambda: not slices[-1].missing(stored_events("default")), PATIENCE)
        _assert_lost_in_gaps(slices)
        truth = Truth()
        messages = truth.noting(message for each in slices for message in each.messages)
        send_in_rounds(publisher, messages, truth, "default", collectors.alive)
    assert_equal(truth, "default")


def _publish(publisher: Publisher, seed: int) -> Iterator[Slice]:
    messages = recent(Stream(events=sized(16_000), failures=0.05, retries=0.05, seed=seed))
    while part := list(islice(messages, 20)):
        truth, begun = Truth(), timezone.now()
        publisher.send(truth.noting(part))
        yield Slice(begun, timezone.now(), part, truth)


def _killed(process: Process, times: int) -> bool:
    assert process.child.poll() is None, process.output()
    return process.output().count("Killed at") >= times


def _assert_lost_in_gaps(slices: list[Slice]) -> None:
    # What the collector notes 20 seconds after it began to listen.
    note_away("default", "redis", timezone.now() + timedelta(minutes=1))
    gaps = list(Gap.objects.values_list("started_at", "ended_at"))
    stored = stored_events("default")
    lossy = [each for each in slices if each.missing(stored)]
    assert lossy
    for each in lossy:
        assert any(began <= each.ended and each.begun <= ended for began, ended in gaps)
