"""Running tasks of workers that are gone are settled; no others are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_celery_monitor.models import Task, TaskCount, Worker, WorkerEvent
from django_celery_monitor.upkeep import lease
from django_celery_monitor.upkeep.lost import lost_tasks
from django_celery_monitor.upkeep.settler import LEASE
from django_celery_monitor.upkeep.silences import note_silences
from tests.contract.settling import app_with, look, settler
from tests.contract.stored import store
from tests.streams import OTHER, START, WORKER, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")


def beat(host: str, at: float, kind: str = "heartbeat") -> None:
    """A worker's own word, that arrives at once."""
    common: dict[str, Any] = {"hostname": host, "utcoffset": 0, "pid": 7, "clock": 1}
    load = {"freq": 2.0, "active": 1, "processed": 9, "loadavg": [1, 1, 1]}
    store([{"type": f"worker-{kind}", "timestamp": START + at} | common | load], START + at)


def running(task_id: str, host: str, at: float = 1.0, kind: str = "started") -> None:
    events = [event("received", at, host), event(kind, at, host)]
    store([wire(task_id, each) for each in events], START + at)


def lost(alias: str, at: float, listened: float = 1000.0) -> set[str]:
    now = datetime.fromtimestamp(START + at, UTC)
    return {each.task.id for each in lost_tasks(now, listened, alias)}


def test_what_a_silent_worker_was_running_is_lost(alias: str) -> None:
    beat(WORKER, 0, "online")
    beat(OTHER, 0, "online")
    running("started", WORKER)
    running("own state", WORKER, kind="progress")
    running("done", WORKER, kind="succeeded")
    running("prefetched", WORKER, kind="received")
    running("elsewhere", OTHER)
    beat(OTHER, 50)

    assert lost(alias, 20) == set()
    assert lost(alias, 50) == {"started", "own state"}


def test_a_silence_that_nobody_listened_to_says_nothing(alias: str) -> None:
    beat(WORKER, 0, "online")
    running("started", WORKER)
    assert lost(alias, 50, listened=25) == set()


def test_a_worker_without_heartbeats_is_not_judged(alias: str) -> None:
    running("started", WORKER)
    assert Worker.objects.get().freq is None
    assert lost(alias, 500) == set()


def test_a_worker_that_came_back_has_lost_what_it_ran_before(alias: str) -> None:
    beat(WORKER, 0, "online")
    running("before", WORKER, 1)
    beat(WORKER, 10, "online")
    running("after", WORKER, 11)
    beat(WORKER, 20)
    assert lost(alias, 21) == set()
    beat(WORKER, 60)
    assert lost(alias, 61) == {"before"}


def test_a_worker_whose_clock_is_an_hour_ahead_loses_its_tasks_too(alias: str) -> None:
    beat(WORKER, 0, "online")
    ahead = [event("received", 3600, WORKER), event("started", 3601, WORKER)]
    store([wire("ahead", each) for each in ahead], START + 1)
    [found] = lost_tasks(datetime.fromtimestamp(START + 60, UTC), 1000, alias)
    assert found.moment.timestamp() == START + 3601


def test_the_result_backend_is_asked_before_a_task_is_called_lost(alias: str) -> None:
    beat(WORKER, 0, "online")
    running("known", WORKER)
    running("unknown", WORKER)
    app, sent = app_with()
    app.backend.mark_as_done("known", {"token": "hidden", "sum": 3})
    look(settler(app, alias), 10)
    assert sent == []

    known, unknown = Task.objects.get(pk="known"), Task.objects.get(pk="unknown")
    assert (known.state, known.known_by) == ("SUCCESS", "result backend")
    assert "sum" in known.result
    assert "hidden" not in known.result
    assert (unknown.state, unknown.known_by) == ("LOST", "worker lost")
    assert unknown.finished_at == datetime.fromtimestamp(START + 1, UTC) + timedelta(seconds=30)
    assert set(TaskCount.objects.values_list("state", "count")) == {("SUCCESS", 1), ("LOST", 1)}


def test_the_worker_s_own_word_comes_late_and_counts(alias: str) -> None:
    beat(WORKER, 0, "online")
    running("slow", WORKER)
    look(settler(app_with()[0], alias), 10)
    assert Task.objects.get().state == "LOST"
    store([wire("slow", event("succeeded", 70, WORKER))], START + 71)
    assert (Task.objects.get().state, Task.objects.get().known_by) == ("SUCCESS", "worker")


def test_one_collector_settles_at_a_time(alias: str) -> None:
    beat(WORKER, 0, "online")
    running("slow", WORKER)
    assert lease.take(LEASE, alias, holder="another:1")
    look(settler(app_with()[0], alias), 10)
    assert Task.objects.get().state == "STARTED"


def noted(alias: str, at: float, listened: float = 1000.0) -> list[tuple[str, float]]:
    note_silences(datetime.fromtimestamp(START + at, UTC), listened, alias)
    events = WorkerEvent.objects.filter(worker=WORKER, type__in=["lost", "back"])
    return [(each.type, each.time.timestamp() - START) for each in events.order_by("id")]


def test_a_silence_is_noted_once_and_so_is_its_end(alias: str) -> None:
    beat(WORKER, 0, "online")
    assert noted(alias, 20) == []
    assert noted(alias, 40, listened=25) == []
    assert noted(alias, 40) == [("lost", 30)]
    assert noted(alias, 50) == [("lost", 30)]
    beat(WORKER, 60)
    assert noted(alias, 61) == [("lost", 30), ("back", 60)]
    beat(WORKER, 70)
    assert noted(alias, 71) == [("lost", 30), ("back", 60)]
    assert noted(alias, 120) == [("lost", 30), ("back", 60), ("lost", 100)]


def test_a_worker_that_says_it_is_online_is_not_noted_as_back(alias: str) -> None:
    beat(WORKER, 0, "online")
    assert noted(alias, 40) == [("lost", 30)]
    beat(WORKER, 60, "online")
    assert noted(alias, 61) == [("lost", 30)]


def test_a_worker_that_said_good_bye_or_sends_no_heartbeats_is_not_noted(alias: str) -> None:
    beat(WORKER, 0, "online")
    beat(WORKER, 5, "offline")
    running("started", OTHER)
    assert noted(alias, 500) == []
    assert not WorkerEvent.objects.filter(worker=OTHER).exists()


def test_a_silence_that_began_before_anybody_listened_is_noted_from_then_on(alias: str) -> None:
    beat(WORKER, 0, "online")
    assert noted(alias, 3600, listened=40) == [("lost", 3590)]
    assert noted(alias, 3610, listened=50) == [("lost", 3590)]
    # The collector was restarted.
    assert noted(alias, 3700, listened=60) == [("lost", 3590)]
    beat(WORKER, 3710)
    assert noted(alias, 3720, listened=80) == [("lost", 3590), ("back", 3710)]


def test_a_worker_that_has_been_gone_for_long_is_not_noted_again(alias: str) -> None:
    """Its rows are deleted after a while."""
    beat(WORKER, 0, "online")
    assert noted(alias, 31 * 86400) == []
