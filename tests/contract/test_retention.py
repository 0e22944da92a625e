"""What is past its retention goes, in small steps, and does not come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from pytest_django import Settings

from django_celery_monitor.conf import get_settings
from django_celery_monitor.models import (
    Gap,
    Installation,
    Lease,
    Task,
    TaskCount,
    TaskError,
    TaskStats,
    TaskTotals,
    WorkerEvent,
    WorkerSample,
)
from django_celery_monitor.upkeep import lease, retention
from django_celery_monitor.upkeep.sweeper import EVERY, LEASE, RETRY, Sweeper
from tests.contract.stored import store
from tests.streams import START, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")

DAY = 86_400.0
NOW = datetime.fromtimestamp(START, UTC) + timedelta(days=100)


def run(task_id: str, age: float, name: str = "shop.pay", end: str = "succeeded") -> None:
    """Store a task whose events are ``age`` days old at ``NOW``."""
    at = (100 - age) * DAY
    data: dict[str, Any] = (
        {"exception": "KeyError('x')", "traceback": "boom"} if end == "failed" else {}
    )
    events = [event("received", at, name=name), event(end, at + 1, **data)]
    store([wire(task_id, each) for each in events], arrived=START + at + 2)


def sweep(alias: str) -> int:
    return sum(retention.sweep(get_settings(), NOW, alias))


def left() -> set[str]:
    return set(Task.objects.values_list("id", flat=True))


def test_old_tasks_go_with_their_errors_and_counts(alias: str) -> None:
    run("old", 31)
    run("failed long ago", 40, end="failed")
    run("young", 29, end="failed")

    assert sweep(alias) == 2
    assert left() == {"young"}
    assert list(TaskError.objects.values_list("task_id", flat=True)) == ["young"]
    assert set(TaskCount.objects.values_list("state", "count")) == {("FAILURE", 1)}
    # What happened on those days stays known.
    days = TaskStats.objects.filter(period="d", grain="n")
    assert sum(days.values_list("succeeded", flat=True)) == 1
    assert sweep(alias) == 0


def test_names_come_before_outcomes_and_the_longest_pattern_first(
    alias: str, settings: Settings
) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {
        "RETENTION_DAYS_BY": {"failed": 60, "shop.*": 10, "shop.audit.*": 90, "shop.audit.log": 5}
    }
    run("other", 31, name="mail.send")
    run("other failed", 31, name="mail.send", end="failed")
    run("shop failed", 31, name="shop.pay", end="failed")
    run("shop", 9)
    run("audit", 80, name="shop.audit.sum")
    run("audit log", 6, name="shop.audit.log")

    sweep(alias)
    assert left() == {"other failed", "shop", "audit"}


def test_without_days_nothing_is_deleted(alias: str, settings: Settings) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"RETENTION_DAYS": None}
    run("ancient", 99)
    assert sweep(alias) == 0


def test_no_setting_deletes_what_the_broker_may_still_hold(alias: str, settings: Settings) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {
        "RETENTION_DAYS": 0.1,
        "RETENTION_TASKS": 1,
    }
    run("three days", 3)
    run("five days", 5)
    run("yesterday", 1)
    sweep(alias)
    assert left() == {"three days", "yesterday"}


def test_of_too_many_tasks_the_oldest_go(alias: str, settings: Settings) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"RETENTION_TASKS": 2}
    for age in (5, 8, 6, 7):
        run(f"{age} days", age)
    sweep(alias)
    assert left() == {"5 days", "6 days"}


def test_a_task_that_waits_for_a_far_eta_is_kept(alias: str) -> None:
    eta = (NOW + timedelta(days=9)).isoformat()
    sent = wire("later", event("received", 50 * DAY)) | {"eta": eta}
    store([sent], arrived=START + 50 * DAY)
    assert sweep(alias) == 0
    assert left() == {"later"}


def test_a_task_heard_of_lately_is_kept_however_long_ago_it_began(alias: str) -> None:
    run("slow", 60)
    store([wire("slow", event("started", 99 * DAY))], arrived=START + 99 * DAY)
    assert sweep(alias) == 0


def test_an_event_delivered_again_does_not_revive_a_deleted_task(alias: str) -> None:
    run("gone", 40)
    run("kept", 20)
    sweep(alias)
    counted = sorted(TaskStats.objects.values_list("start", "label", "succeeded"))

    late = [wire("gone", event("succeeded", 60 * DAY + 1))]
    outcome = store(late, arrived=START + 100 * DAY)
    assert (outcome.late, outcome.tasks, outcome.revision) == (1, 0, 0)
    assert left() == {"kept"}
    assert sorted(TaskStats.objects.values_list("start", "label", "succeeded")) == counted
    # A stored task takes any event of its own.
    early = [wire("kept", event("sent", 59 * DAY))]
    assert store(early, arrived=START + 100 * DAY).tasks == 1


def test_a_sweep_of_many_batches_may_be_left_and_goes_on(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "django_celery_monitor.storage.pruning.prune_batch.__kwdefaults__", {"limit": 3}
    )
    for number in range(10):
        run(f"{number}", 40 + number)
    run("young", 1)
    assert next(retention.sweep(get_settings(), NOW, alias)) == 3
    assert len(left()) == 8
    assert sweep(alias) == 7
    assert left() == {"young"}


def test_what_is_kept_of_workers_goes_by_its_own_age(alias: str) -> None:
    for age in (91, 89, 9, 6, 4, 2):
        at = START + (100 - age) * DAY
        worker = {"hostname": f"{age}@shop", "pid": 1, "clock": 1, "utcoffset": 0}
        online = worker | {"type": "worker-online", "timestamp": at, "freq": 2.0}
        beat = worker | {"type": "worker-heartbeat", "timestamp": at, "active": 1}
        task = [event("received", (100 - age) * DAY, f"{age}@shop")]
        store([online, beat, *(wire(f"{age}", each) for each in task)], arrived=at)
    sweep(alias)
    assert set(WorkerEvent.objects.values_list("worker", flat=True)) == {
        *("89@shop", "9@shop", "6@shop", "4@shop", "2@shop")
    }
    kept = {"6@shop", "4@shop", "2@shop"}
    assert set(WorkerSample.objects.values_list("worker", flat=True)) == kept
    by_worker = TaskTotals.objects.filter(grain="w").values_list("label", flat=True)
    assert set(by_worker) == kept
    assert TaskTotals.objects.get(grain="n").received == 6


def test_gaps_go_with_the_runs_of_collectors(alias: str) -> None:
    for age in (91, 89):
        at = NOW - timedelta(days=age)
        Gap.objects.create(started_at=at, ended_at=at, reason="away", transport="redis")
    sweep(alias)
    assert Gap.objects.count() == 1


def test_only_the_holder_of_the_lease_sweeps(alias: str) -> None:
    assert lease.take(LEASE, alias, holder="another:1")
    run("old", 99)
    sweeper = Sweeper(alias)
    for turn in range(10):
        sweeper.turn(turn * 1.0)
    assert left() == {"old"}
    with pytest.raises(CommandError):
        call_command("celerymonitor_prune")

    Lease.objects.update(expires_at=F("expires_at") - timedelta(minutes=2))
    for turn in range(20):
        sweeper.turn(RETRY + turn)
    assert left() == set()


def test_a_sweep_comes_once_in_a_while(alias: str) -> None:
    sweeper = Sweeper(alias)
    for turn in range(30):
        sweeper.turn(turn * 1.0)
    run("old", 99)
    sweeper.turn(EVERY / 2)
    assert left() == {"old"}
    for turn in range(30):
        sweeper.turn(EVERY + 30 + turn)
    assert left() == set()


def test_the_command_says_what_it_would_delete_and_deletes_it(
    alias: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("old", 99)
    call_command("celerymonitor_prune", "--dry-run")
    assert capsys.readouterr().out == "1 task is past its age.\n"
    call_command("celerymonitor_prune")
    assert capsys.readouterr().out == "Deleted 1 task.\n"
    assert Installation.objects.get().pruned_before is not None
