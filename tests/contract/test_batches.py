"""Any order, any repetition and any split over batches end in the very same rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_celery_monitor.models import BadEvent, Installation, Task, TaskError
from django_celery_monitor.state import event_set
from django_celery_monitor.storage.rows import events_of, facts_of
from tests.contract.stored import (
    ARRIVED,
    counts,
    everything,
    of_minutes,
    recounted,
    recounted_stats,
    stats,
    store,
)
from tests.streams import OTHER, START, WORKER, arrivals, event, histories, wire

pytestmark = pytest.mark.django_db(databases="__all__")

LOAD = {"freq": 2.0, "active": 1, "processed": 5, "loadavg": [0.5, 1, 2], "sw_ident": "py-celery"}


def worker_event(kind: str, at: float, host: str = WORKER, **fields: Any) -> dict[str, Any]:
    base = {"type": f"worker-{kind}", "hostname": host, "pid": 9, "clock": 1, "utcoffset": 0}
    return base | LOAD | fields | {"timestamp": START + at}


worker_events = st.builds(
    worker_event,
    st.sampled_from(("online", "heartbeat", "offline")),
    st.sampled_from((0.0, 1.0, 2.0)),
    st.sampled_from((WORKER, OTHER)),
    active=st.integers(0, 2),
)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Everything that arrives about three tasks and two workers."""
    found = draw(st.lists(worker_events, max_size=4))
    for task_id in ("t1", "t2", "ü/%\\"):
        found += [wire(task_id, each) for each in draw(histories)]
    return found


@contextmanager
def undone(alias: str) -> Iterator[None]:
    with transaction.atomic(using=alias):
        yield
        transaction.set_rollback(True, using=alias)


@pytest.mark.parametrize("keep", [event_set.KEEP, 2])
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), stream=streams())
def test_any_split_gives_the_same_rows_and_counts(
    alias: str, keep: int, data: st.DataObject, stream: list[dict[str, Any]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_set, "KEEP", keep)
        with undone(alias):
            store(stream)
            at_once = everything()
        with undone(alias):
            for batch in data.draw(arrivals(stream)):
                store(batch)
            assert everything() == at_once
            assert stats() == recounted_stats()
            assert counts() == recounted()
            assert store(stream).revision == 0
            assert everything() == at_once


def life(task_id: str = "t1", **data: Any) -> list[dict[str, Any]]:
    return [
        wire(task_id, each)
        for each in (
            event("sent", 0),
            event("received", 1),
            event("started", 2),
            event("succeeded", 3, result="42", runtime=0.5, **data),
        )
    ]


def test_repeating_a_batch_changes_nothing(alias: str) -> None:
    stream = [*life(), worker_event("online", 0), worker_event("heartbeat", 2)]
    first = store(stream)
    before = everything()
    assert (first.events, first.bad, first.ignored, first.tasks) == (6, 0, 0, 1)
    again = store(stream)
    assert (again.events, again.tasks, again.revision) == (6, 0, 0)
    assert everything() == before
    assert Installation.objects.get().writes == first.revision
    assert store(life("t2")).revision == first.revision + 1


def test_every_event_is_stored_counted_bad_or_ignored(alias: str) -> None:
    stream = [*life(), {"type": "task-started"}, {"type": "worker-elect", "id": 1}, {"no": "type"}]
    outcome = store(stream)
    assert (outcome.events, outcome.bad, outcome.ignored) == (4, 2, 1)
    assert set(BadEvent.objects.values_list("reason", flat=True)) == {
        *("no uuid", "not an event: no type")
    }
    assert store([{"type": "task-started"}] * 500).bad == 500
    assert BadEvent.objects.count() == 102


def test_a_batch_of_only_bad_events_changes_no_task(alias: str) -> None:
    store([{"type": "task-sent", "uuid": "t1", "hostname": "x", "timestamp": 0}])
    assert not Task.objects.exists()


def test_the_row_says_what_the_events_say(alias: str) -> None:
    store(life())
    task = Task.objects.get()
    assert (task.id, task.name, task.state, task.known_by) == (
        "t1",
        "shop.pay",
        "SUCCESS",
        "worker",
    )
    assert [moment.timestamp() for moment in (task.time, task.updated_at)] == [START, START + 3]
    assert task.duration is not None
    assert (task.runtime, task.result, task.queue) == (0.5, "42", "celery")
    assert [each.type for each in events_of(task)] == ["sent", "received", "started", "succeeded"]
    assert facts_of(task).runs[0].wait == 2


def test_a_name_learnt_late_moves_the_counts_to_it(alias: str) -> None:
    failed = event("failed", 3, exception="KeyError('x')", traceback="T")
    store([wire("t1", event("started", 2)), wire("t1", failed)])
    assert {key[3] for key in stats() if key[1] == "n"} == {""}
    assert TaskError.objects.get().name == ""
    store([wire("t1", event("received", 1))])
    assert {key[3] for key in stats() if key[1] == "n"} == {"shop.pay"}
    assert of_minutes() == {(START, "shop.pay", "FAILURE"): 1}
    error = TaskError.objects.get()
    assert (error.name, error.traceback, error.type) == ("shop.pay", "T", "KeyError")


def test_a_success_after_a_failure_takes_the_failure_back(alias: str) -> None:
    store([wire("t1", each) for each in (event("received", 1), event("failed", 3))])
    [failed] = [sums for key, sums in stats().items() if key[:2] == ("d", "n")]
    assert failed[:3] == (1, 0, 1)
    store([wire("t1", event("succeeded", 4, runtime=1.0))])
    assert of_minutes() == {(START, "shop.pay", "SUCCESS"): 1}
    assert stats() == recounted_stats()
    [succeeded] = [sums for key, sums in stats().items() if key[:2] == ("d", "n")]
    assert (succeeded[:3], succeeded[6]) == ((1, 1, 0), 1_000_000)


def test_every_attempt_has_its_error_and_a_hard_limit_only_one(alias: str) -> None:
    stream = [
        event("received", 1),
        event("started", 2),
        event("received", 2.9, retries=1),
        event("retried", 3, exception="OSError()"),
        event("started", 4),
        event("failed", 5, exception="A()"),
        event("failed", 5.01, exception="A()"),
    ]
    store([wire("t1", each) for each in stream])
    assert list(TaskError.objects.order_by("time").values_list("type", "retry", "duplicate")) == [
        *(("OSError", True, False), ("A", False, True), ("A", False, False))
    ]


def test_a_success_amid_thousands_of_redeliveries_is_kept(alias: str) -> None:
    stream = [wire("t1", event(kind, at)) for at in range(1500) for kind in ("received", "started")]
    stream.insert(1501, wire("t1", event("succeeded", 750.5, result="42")))
    for begin in range(0, len(stream), 700):
        store(stream[begin : begin + 700])
    task = Task.objects.get()
    assert (task.state, task.result, task.name) == ("SUCCESS", "42", "shop.pay")
    assert len(task.events) < 10_000
    assert stats() == recounted_stats()


def test_error_rows_are_those_of_the_kept_events(alias: str) -> None:
    stream = [wire("t1", event("failed", at, exception=f"E{at}()")) for at in range(100)]
    for begin in range(0, 100, 30):
        store(stream[begin : begin + 30])
    kept = [each.data["exception"] for each in events_of(Task.objects.get())]
    assert list(TaskError.objects.order_by("time").values_list("message", flat=True)) == kept
    assert len(kept) == 2 * event_set.KEEP


def test_a_revision_grows_with_every_batch_that_changed_something(alias: str) -> None:
    revisions = [store([each]).revision for each in life()]
    assert revisions == sorted(set(revisions))
    assert 0 not in revisions


def test_arrival_times_are_not_event_times(alias: str) -> None:
    store([worker_event("heartbeat", 0)], ARRIVED + 50)
    store(life(), ARRIVED + 60)
    store(life(), ARRIVED + 70)
    [worker] = everything()["workers"]
    assert worker["arrived_at"].timestamp() == ARRIVED + 60
    assert worker["heartbeat_at"].timestamp() == START
