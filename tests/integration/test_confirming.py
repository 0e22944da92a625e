"""What an act only asked for is confirmed when it comes true, and does not stay open for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction, ControlTarget, Task, Worker, WorkerEvent
from django_celery_monitor.upkeep.confirming import EVERY, Confirmer
from tests.fixtures.workers import CeleryWorker
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import collecting
from tests.integration.kept import a_task, a_worker
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

HOSTS = ("a@host", "b@host")


def an_action(act: str, minutes: float = 1, **values: Any) -> ControlAction:
    started = timezone.now() - timedelta(minutes=minutes)
    columns = {"user_name": "ana", "source": "page", "started_at": started, "ended_at": started}
    return ControlAction.objects.create(act=act, **columns | values)


def a_shutdown(minutes: float = 1) -> ControlAction:
    for host in HOSTS:
        a_worker(host)
    told = {"verdict": "requested", "text": "It was told."}
    return an_action("shutdown", minutes, replies=dict.fromkeys(HOSTS, told))


def an_abort(minutes: float = 1) -> ControlAction:
    action = an_action("abort", minutes)
    for task_id in ("one", "two"):
        a_task(task_id, state="STARTED")
        ControlTarget.objects.create(action=action, kind="task", value=task_id)
    return action


def went(host: str, kind: str, *, ago: float = 0) -> None:
    time = timezone.now() - timedelta(seconds=ago)
    WorkerEvent.objects.create(worker=host, type=kind, time=time)


def looked(action: ControlAction) -> str:
    """Its outcome after a look, and a second one that finds nothing new."""
    told: list[int] = []
    confirmer = Confirmer("default", lambda revision, _tasks, _workers: told.append(revision))
    for now in (EVERY, 2 * EVERY):
        confirmer.turn(now)
    before = action.outcome, action.replies
    action.refresh_from_db()
    assert len(told) == (before != (action.outcome, action.replies))
    return action.outcome


def verdicts(action: ControlAction) -> list[str]:
    return [action.replies[host]["verdict"] for host in HOSTS]


def test_a_shutdown_is_confirmed_when_all_workers_are_gone() -> None:
    action = a_shutdown()
    went("a@host", "offline", ago=90)
    went("a@host", "online")
    assert (looked(action), verdicts(action)) == ("requested", ["requested", "requested"])
    went("a@host", "offline")
    assert (looked(action), verdicts(action)) == ("requested", ["done", "requested"])
    went("b@host", "lost")
    assert (looked(action), verdicts(action)) == ("confirmed", ["done", "done"])


def test_the_clock_of_a_worker_may_be_wrong() -> None:
    action = a_shutdown()
    a_worker("c@host", clock_offset=3600.0)
    action.replies = {"c@host": action.replies["a@host"]}
    action.save()
    went("c@host", "offline", ago=-3500)
    assert looked(action) == "requested"
    went("c@host", "offline", ago=-3600)
    assert looked(action) == "confirmed"


def test_whoever_does_not_go_within_the_hour_is_said() -> None:
    action = a_shutdown(minutes=61)
    went("a@host", "offline")
    assert (looked(action), verdicts(action)) == ("partly", ["done", "unclear"])
    WorkerEvent.objects.all().delete()
    ControlAction.objects.filter(pk=action.pk).update(
        outcome="requested", replies={"b@host": {"verdict": "requested", "text": ""}}
    )
    action.refresh_from_db()
    assert looked(action) == "not_confirmed"
    assert "60 minutes" in action.replies["b@host"]["text"]


def test_an_abort_is_confirmed_when_all_tasks_have_ended_and_says_how() -> None:
    action = an_abort()
    Task.objects.filter(pk="one").update(state="SUCCESS")
    assert looked(action) == "requested"
    Task.objects.filter(pk="two").update(state="ABORTED")
    assert (looked(action), action.detail) == ("confirmed", "Ended since: ABORTED 1, SUCCESS 1.")


def test_tasks_that_do_not_end_within_the_hour_are_said() -> None:
    action = an_abort(minutes=61)
    assert looked(action) == "not_confirmed"
    ControlAction.objects.filter(pk=action.pk).update(outcome="requested")
    Task.objects.filter(pk="one").update(state="FAILURE")
    action.refresh_from_db()
    assert looked(action) == "partly"
    assert action.detail.startswith("Ended since: FAILURE 1. Nothing told")


def test_what_a_process_that_died_left_is_unclear_after_some_minutes() -> None:
    soon = an_action("revoke", minutes=4, ended_at=None)
    dead = an_action("revoke", minutes=6, ended_at=None)
    operation = an_action("retry", minutes=600, ended_at=None, source="operation")
    assert looked(dead) == "unclear"
    assert "ended before" in dead.detail
    assert [looked(each) for each in (soon, operation)] == ["requested", "requested"]


def test_without_anything_open_it_asks_one_question(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    an_action("revoke", outcome="confirmed")
    with django_assert_num_queries(1):
        Confirmer("default", lambda *_: None).turn(EVERY)


def test_a_worker_that_still_answered_confirms_its_shutdown_when_it_goes(
    redis_url: str, celery_worker: CeleryWorker
) -> None:
    worker = celery_worker(redis_url)
    with collecting(worker.app):
        wait_until(lambda: Worker.objects.exists(), timeout=20)
        # As of one that answers once more after it was told, which none does for sure.
        told = {"verdict": "requested", "text": "It was told."}
        action = an_action("shutdown", 0, replies={worker.hostname: told})
        perform(None, "shutdown", {"workers": [worker.hostname]}, app=worker.app, name="test")
        wait_until(lambda: verdict(action) == "done", timeout=40)
    assert action.outcome == "confirmed"


def verdict(action: ControlAction) -> str:
    action.refresh_from_db()
    return str(next(iter(action.replies.values()))["verdict"])
