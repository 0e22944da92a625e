"""Real workers on real brokers are asked what they are doing, and what they say is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.control.told import Told
from django_celery_monitor.models import Inspection, Installation, Task, Worker, WorkerReply
from django_celery_monitor.upkeep import inspections, lease
from django_celery_monitor.upkeep.inspecting import LEASE, Inspector, Pace
from django_celery_monitor.upkeep.inspections import Wanted
from tests.fixtures.workers import CeleryWorker
from tests.integration.collecting import app_on, collecting
from tests.integration.made import a_worker
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PACE = Pace(look=0.05, own=0.05, timeout=1.0)
Part = WorkerReply.Part


def ask_for(hostname: str) -> None:
    Inspection.objects.update_or_create(
        hostname=hostname, defaults={"wanted_at": timezone.now() - timedelta(seconds=1)}
    )


def inspection(hostname: str) -> Inspection:
    return Inspection.objects.filter(pk=hostname).first() or Inspection()


def content(hostname: str, part: str) -> Any:
    return WorkerReply.objects.get(worker=hostname, part=part).content


def turning(app: Celery) -> tuple[Callable[[], None], list[Iterable[str]]]:
    """A turn of an inspector, and whom it said to have news of."""
    said: list[Iterable[str]] = []
    inspector = Inspector(
        app, "default", lambda _revision, _tasks, workers: said.append(workers), PACE
    )
    return lambda: inspector.turn(time.monotonic()), said


def test_a_collector_asks_whom_a_page_wants_to_know_of(
    broker_url: str, redis_url: str, celery_worker: CeleryWorker, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"INSPECT_EVERY": None}
    app = app_on(broker_url, result_backend=redis_url)
    with collecting(app):
        worker = celery_worker(broker_url, concurrency=1)
        slow = worker.send("slow", 60)
        worker.send("add", 1, 2)
        later = worker.app.send_task("tests.project.tasks.add", (3, 4), countdown=600)
        wait_until(lambda: Task.objects.filter(pk=slow.id, state="STARTED").exists(), timeout=20)
        wait_until(lambda: Task.objects.filter(pk=later.id, state="RECEIVED").exists(), timeout=20)
        writes = Installation.objects.get().writes
        assert not Inspection.objects.exists()
        ask_for(worker.hostname)
        wait_until(lambda: inspection(worker.hostname).answered_at is not None, timeout=20)

    row = inspection(worker.hostname)
    assert (row.pool, row.concurrency, row.queues) == ("prefork", 1, ["celery"])
    assert (row.wanted_at, row.silent_since) == (None, None)
    assert row.started_at
    assert timedelta() < timezone.now() - row.started_at < timedelta(minutes=5)
    assert Installation.objects.get().writes > writes

    replies = WorkerReply.objects.filter(worker=worker.hostname)
    assert set(replies.values_list("part", flat=True)) == set(Part.values)
    [running] = content(worker.hostname, Part.ACTIVE)
    assert (running["id"], running["args"], running["routing_key"]) == (slow.id, "(60,)", "celery")
    assert time.time() - 60 < running["started"] < time.time()
    [waiting] = content(worker.hostname, Part.RESERVED)
    assert (waiting["name"], waiting["args"]) == ("tests.project.tasks.add", "[1,2]")
    [scheduled] = content(worker.hostname, Part.SCHEDULED)
    assert scheduled["id"] == later.id
    assert time.time() < scheduled["eta"] < time.time() + 700
    assert content(worker.hostname, Part.REVOKED) == []
    names = {each["name"]: each["attributes"] for each in content(worker.hostname, "registered")}
    assert names["tests.project.tasks.add"]["max_retries"] == "3"
    assert content(worker.hostname, Part.QUEUES)[0]["name"] == "celery"
    assert content(worker.hostname, Part.STATS)["pool"]["max-concurrency"] == 1
    assert "software" in content(worker.hostname, Part.REPORT)
    conf = content(worker.hostname, Part.CONF)
    assert conf["changed"]["imports"] == ["tests.project.journal"]
    assert "task_acks_late" in conf["default"]


def test_workers_that_live_are_asked_now_and_then_by_itself(
    redis_url: str, celery_worker: CeleryWorker
) -> None:
    worker = celery_worker(redis_url)
    a_worker(worker.hostname)
    a_worker("old@host", silent=3600)
    turn, said = turning(app_on(redis_url))

    def answered() -> bool:
        turn()
        return bool(said)

    wait_until(answered, timeout=20)
    assert said == [[worker.hostname]]
    assert inspection(worker.hostname).answered_at
    assert not Inspection.objects.filter(pk="old@host").exists()
    for _ in range(20):
        turn()
    assert len(said) == 1


def test_a_worker_that_does_not_answer_keeps_what_it_said_before(redis_url: str) -> None:
    before = timezone.now() - timedelta(hours=1)
    told = {"gone@host": {"revoked": Told(["a"], 1)}}
    inspections.keep([Wanted("gone@host", None)], told, before, "default")
    ask_for("gone@host")
    turn, said = turning(app_on(redis_url))

    def asked() -> bool:
        turn()
        return bool(said)

    wait_until(asked, timeout=20)
    row = inspection("gone@host")
    assert row.wanted_at is None
    assert row.answered_at == before
    assert row.silent_since == row.asked_at
    assert content("gone@host", Part.REVOKED) == ["a"]


def test_silence_counts_from_the_first_question_without_an_answer() -> None:
    first = timezone.now() - timedelta(hours=2)
    later = first + timedelta(hours=1)
    inspections.keep([Wanted("w@h", None)], {}, first, "default")
    inspections.keep([Wanted("w@h", None)], {}, later, "default")
    row = inspection("w@h")
    assert (row.silent_since, row.asked_at, row.answered_at) == (first, later, None)


def test_who_asks_again_meanwhile_is_not_forgotten() -> None:
    ask_for("w@h")
    [wanted] = inspections.wanted(5, "default")
    again = timezone.now()
    Inspection.objects.update(wanted_at=again)
    inspections.keep([wanted], {}, timezone.now(), "default")
    assert inspection("w@h").wanted_at == again


def test_of_two_collectors_one_asks(redis_url: str) -> None:
    assert lease.take(LEASE, "default", "elsewhere:1")
    ask_for("w@h")
    turn, said = turning(app_on(redis_url))
    for _ in range(20):
        turn()
    assert not said
    assert inspection("w@h").asked_at is None


def test_without_a_broker_a_request_waits_and_nothing_is_raised() -> None:
    ask_for("w@h")
    turn, said = turning(app_on("redis://127.0.0.1:1/0"))
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        turn()
    assert not said
    assert inspection("w@h").wanted_at


def test_what_nobody_renews_for_a_week_is_deleted() -> None:
    now = timezone.now()
    told = {"w@h": {"revoked": Told([], 0)}}
    inspections.keep([Wanted("w@h", None)], told, now - timedelta(days=8), "default")
    inspections.keep([Wanted("new@h", None)], {"new@h": told["w@h"]}, now, "default")
    inspections.forget(now, "default")
    assert list(WorkerReply.objects.values_list("worker", flat=True)) == ["new@h"]
    assert list(Inspection.objects.values_list("pk", flat=True)) == ["new@h"]


def test_whoever_said_good_bye_is_not_asked() -> None:
    now = timezone.now()
    a_worker("here@h")
    a_worker("gone@h", offline_at=now)
    assert inspections.unasked(now, 300, 5, "default") == [Wanted("here@h", None)]
    assert Worker.objects.count() == 2
