"""What happened to workers, minute by minute: the same rows in any order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from django_celery_monitor.models import Worker, WorkerEvent, WorkerSample
from tests.contract.stored import ARRIVED, store
from tests.contract.test_batches import undone, worker_event
from tests.streams import OTHER, START, WORKER, arrivals, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")

events = st.builds(
    worker_event,
    st.sampled_from(("online", "heartbeat", "heartbeat", "offline")),
    st.sampled_from((0.0, 1.0, 1.5, 61.0)),
    st.sampled_from((WORKER, OTHER)),
    active=st.integers(0, 2) | st.none(),
    pid=st.sampled_from((9, 10)),
    loadavg=st.lists(st.sampled_from((0, 0.1, 2.5)), max_size=2),
)


def history() -> tuple[list[Any], list[Any]]:
    return (
        sorted(WorkerEvent.objects.values_list("worker", "time", "type", "pid")),
        list(
            WorkerSample.objects.order_by("worker", "minute").values_list(
                "worker", "minute", "event_at", "active", "processed", "load"
            )
        ),
    )


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), stream=st.lists(events, min_size=1, max_size=8))
def test_any_order_gives_the_same_history(
    alias: str, data: st.DataObject, stream: list[dict[str, Any]]
) -> None:
    with undone(alias):
        store(stream)
        at_once = history()
    with undone(alias):
        for batch in data.draw(arrivals(stream)):
            store(batch)
        assert history() == at_once
        assert store(stream).revision == 0
        assert history() == at_once


def test_coming_and_going_is_kept_with_the_process(alias: str) -> None:
    store([worker_event("online", 1), worker_event("offline", 70), worker_event("online", 90)])
    store([worker_event("online", 90, pid=2**40)])
    kept = WorkerEvent.objects.order_by("time", "pid").values_list("type", "pid")
    assert list(kept) == [("online", 9), ("offline", 9), ("online", 9), ("online", 2**31 - 1)]


def test_an_old_word_of_a_worker_is_still_history(alias: str) -> None:
    """It changed nothing on the worker's row, and was thrown away with the batch."""
    store([worker_event("online", 50), worker_event("heartbeat", 52)])
    assert store([worker_event("online", 1)]).revision != 0
    assert WorkerEvent.objects.count() == 2


def test_of_a_minute_the_latest_heartbeat_is_kept(alias: str) -> None:
    store([worker_event("heartbeat", 40, active=3, processed=8, loadavg=[1.5, 9])])
    store([worker_event("heartbeat", 2, active=1), worker_event("heartbeat", 61, active=0)])
    on_demand = {"type": "worker-heartbeat", "hostname": WORKER, "timestamp": START + 50}
    store([on_demand, worker_event("online", 55, active=7)])
    samples = WorkerSample.objects.order_by("minute").values_list(
        "minute", "event_at", "active", "processed", "load"
    )
    assert list(samples) == [
        (_time(0), _time(40), 3, 8, 1.5),
        (_time(60), _time(61), 0, 5, 0.5),
    ]


def test_absurd_samples_are_not_stored(alias: str) -> None:
    store([worker_event("heartbeat", 1, active=1e11, processed=-1, loadavg=["x", 1e300])])
    assert list(WorkerSample.objects.values_list("active", "processed", "load")) == [
        (None, None, None)
    ]


def test_the_clocks_offset_is_that_of_the_latest_heartbeat(alias: str) -> None:
    store([worker_event("heartbeat", 3600)], START + 0.25)
    assert Worker.objects.get().clock_offset == 3599.75
    store([worker_event("heartbeat", 3500)], START + 5)
    assert Worker.objects.get().clock_offset == 3599.75
    store([worker_event("heartbeat", 3602)], START + 3602.1)
    assert Worker.objects.get().clock_offset == -0.1


def test_what_waited_in_the_queue_says_nothing_of_clocks(alias: str, settings: Settings) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"BATCH_SIZE": 3}
    waited = [wire("t1", event("received")), wire("t1", event("started", 1))]
    store([*waited, worker_event("heartbeat", 2)], ARRIVED)
    assert Worker.objects.get().clock_offset is None
    store([worker_event("heartbeat", 4)], START + 4.5)
    assert Worker.objects.get().clock_offset == -0.5


def _time(after: float) -> datetime:
    return datetime.fromtimestamp(START + after, UTC)
