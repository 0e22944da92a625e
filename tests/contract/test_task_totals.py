"""Totals: the same in any order, never falling, and bounded whatever tasks call themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.models import Task, TaskTotals, Worker
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.totals import KINDS, count
from django_celery_monitor.storage import adding, totals
from django_celery_monitor.storage.rows import events_of
from tests.contract.stored import ARRIVED, store
from tests.contract.test_batches import undone
from tests.streams import NAME, START, WORKER, arrivals, event, lives, wire
from tests.streams import OTHER as OTHER_WORKER

pytestmark = pytest.mark.django_db(databases="__all__")

Stored = dict[tuple[str, str, str], dict[str, int]]


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the test before, rolled back by now."""
    monkeypatch.setattr(totals, "_known", {})


def stored() -> Stored:
    return {
        (row.grain, row.name, row.label): {
            kind: number for kind in KINDS if (number := getattr(row, kind))
        }
        for row in TaskTotals.objects.all()
    }


def counted() -> Stored:
    """What ``stored`` has to be, from the tasks' own rows."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for task in Task.objects.all():
        count(events_of(task), task.name, found)
    return {
        key: {kind: number for kind, number in zip(KINDS, numbers, strict=True) if number}
        for key, numbers in found.items()
    }


def life(name: str = NAME, host: str = WORKER, end: str = "succeeded") -> list[Any]:
    data: dict[str, Any] = {"exception": "KeyError('x')"} if end == "failed" else {}
    return [
        event("sent", 0, name=name),
        event("received", 1, host, name=name),
        event("started", 2, host),
        event(end, 3, host, **data),
    ]


def test_every_event_counts_once_in_every_grain(alias: str) -> None:
    stream = [wire("t1", each) for each in life()]
    stream += [wire("t2", each) for each in life(host=OTHER_WORKER, end="failed")]
    for each in reversed(stream):
        store([each])
    store(stream)
    assert stored() == counted()
    assert stored()["n", NAME, ""] == {
        "sent": 2,
        "received": 2,
        "started": 2,
        "succeeded": 1,
        "failed": 1,
    }
    assert stored()["w", NAME, OTHER_WORKER] == {"received": 1, "started": 1, "failed": 1}
    assert stored()["x", NAME, "KeyError"] == {"failed": 1}


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), tasks=st.lists(lives(), min_size=2, max_size=3))
def test_any_order_and_any_split_give_the_same_totals(
    alias: str, data: st.DataObject, tasks: list[list[TaskEvent]]
) -> None:
    stream = [wire(f"t{number}", each) for number, life in enumerate(tasks) for each in life]
    with undone(alias):
        for batch in data.draw(arrivals(stream)):
            store(batch)
        assert stored() == counted()
        store(stream)
        assert stored() == counted()


def test_a_task_without_a_name_counts_when_it_has_one(alias: str) -> None:
    store([wire("t1", event("started", 2)), wire("t1", event("succeeded", 3))])
    assert stored() == {}
    store([wire("t1", event("received", 1))])
    assert stored() == counted()


def test_totals_outlive_their_tasks_and_do_not_grow_by_what_is_refused(alias: str) -> None:
    store([wire("t1", each) for each in life()])
    before = stored()
    Task.objects.all().delete()
    assert stored() == before


def test_names_past_the_limit_count_as_other(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(totals.LIMITS, "n", 3)
    for number in range(6):
        store([wire(f"t{number}", each) for each in life(f"name{number}")])
    store([wire("t6", each) for each in life("name0")])
    found = stored()
    assert {key[1] for key in found} == {"name0", "name1", "name2", OTHER}
    assert found["n", OTHER, ""] == {"sent": 3, "received": 3, "started": 3, "succeeded": 3}
    assert found["n", "name0", ""]["sent"] == 2
    assert found["w", OTHER, OTHER]["received"] == 3


def test_labels_past_the_limit_count_as_other_under_their_name(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(totals.LIMITS, "w", 2)
    store([wire(f"t{n}", each) for n in range(5) for each in life(host=f"w{n}@shop", end="failed")])
    by_worker = {key[2]: kinds for key, kinds in stored().items() if key[0] == "w"}
    assert by_worker.keys() == {"w0@shop", "w1@shop", OTHER}
    assert by_worker[OTHER] == {"received": 3, "started": 3, "failed": 3}
    assert stored()["x", NAME, "KeyError"] == {"failed": 5}


def test_a_batch_like_the_one_before_asks_no_question(alias: str) -> None:
    def asked(task_id: str) -> list[str]:
        with CaptureQueriesContext(connections[alias]) as captured:
            store([wire(task_id, each) for each in life()])
        return [each["sql"] for each in captured if "tasktotals" in each["sql"]]

    first, second = asked("t1"), asked("t2")
    assert len(first) == 3
    assert len(second) == 1
    assert "INSERT" in second[0]


def test_worker_totals_go_a_while_after_the_worker(alias: str) -> None:
    store([wire("t1", each) for each in life(host="old@shop")], ARRIVED)
    store([wire("t2", each) for each in life(host="new@shop")], ARRIVED + 100)
    before = datetime.fromtimestamp(ARRIVED + 50, UTC)
    totals.forget_workers(before - timedelta(seconds=51), alias)
    assert {key[2] for key in stored() if key[0] == "w"} == {"old@shop", "new@shop"}
    totals.forget_workers(before, alias)
    assert {key[2] for key in stored() if key[0] == "w"} == {"new@shop"}
    assert stored()["n", NAME, ""]["received"] == 2
    store([wire("t3", each) for each in life(host="old@shop")], ARRIVED + 200)
    assert stored()["w", NAME, "old@shop"]["received"] == 1


def test_adding_on_a_database_without_a_way_of_ours(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections[alias], "vendor", "other")
    rows = [("n", "a", "", 2, 1), ("n", "b", "", 5, 0)]
    for _turn in range(2):
        adding.add(TaskTotals, ("grain", "name", "label"), ("sent", "failed"), rows, alias)
    assert stored() == {("n", "a", ""): {"sent": 4, "failed": 2}, ("n", "b", ""): {"sent": 10}}


def test_hosts_that_only_published_are_no_workers(alias: str) -> None:
    published = {
        "type": "monitor-published",
        "uuid": "t1",
        "hostname": "web@1",
        "pid": 1,
        "clock": 1,
        "timestamp": START,
        "utcoffset": 0,
        "name": NAME,
    }
    assert store([published]).tasks == 1
    assert not Worker.objects.exists()
