"""Tasks whose end nobody told are settled when that is safe, and never otherwise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.utils import timezone

from django_celery_monitor.models import Gap, Task
from tests.contract.settling import Answering, app_with, look, settler
from tests.contract.stored import store
from tests.streams import OTHER, START, WORKER, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")

# A look every ten seconds; a second one about the same task after the grace of thirty.
FIRST, SECOND = 10.0, 40.0


@pytest.fixture
def task_id() -> str:
    """The result backend outlives the test."""
    return str(uuid4())


def stored(task_id: str, *kinds: str, host: str = WORKER, at: float = 1.0) -> None:
    events = [event(kind, at + index / 10, host) for index, kind in enumerate(kinds)]
    store([wire(task_id, each) for each in events], START + at + 9)


def known(task_id: str) -> tuple[str, str]:
    task = Task.objects.get(pk=task_id)
    return task.state, task.known_by


def looks(app: Celery, alias: str) -> None:
    one = settler(app, alias)
    look(one, FIRST)
    look(one, SECOND)


RUNNING = ("received", "started")


@pytest.mark.parametrize(
    "kinds", [("sent",), ("received",), RUNNING, ("received", "progress"), (*RUNNING, "retried")]
)
def test_what_the_result_backend_knows_settles_any_open_task(
    alias: str, task_id: str, kinds: tuple[str, ...]
) -> None:
    stored(task_id, *kinds)
    app, sent = app_with()
    app.backend.mark_as_done(task_id, {"sum": 3, "token": "hidden"})
    look(settler(app, alias), FIRST)

    task = Task.objects.get(pk=task_id)
    assert (task.state, task.known_by) == ("SUCCESS", "result backend")
    assert "sum" in task.result
    assert "hidden" not in task.result
    assert task.finished_at is not None
    assert timezone.now() - task.finished_at < timedelta(minutes=1)
    assert sent == []


def test_a_failure_reads_as_a_worker_would_tell_it(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    app, _sent = app_with()
    app.backend.mark_as_failure(task_id, KeyError("x", 1))
    look(settler(app, alias), FIRST)
    assert known(task_id) == ("FAILURE", "result backend")
    assert Task.objects.get().exception == "KeyError('x', 1)"


def test_a_task_that_its_worker_does_not_have_any_more_is_ignored(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    app, _sent = app_with(Answering())
    one = settler(app, alias)
    look(one, FIRST)
    look(one, SECOND - 10)
    assert known(task_id) == ("STARTED", "worker")
    look(one, SECOND)
    assert known(task_id) == ("IGNORED", "worker asked")


def test_without_a_result_backend_workers_are_asked(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    looks(app_with(Answering(), backend="disabled://")[0], alias)
    assert known(task_id) == ("IGNORED", "worker asked")


@pytest.mark.parametrize("where", ["active", "reserved", "scheduled", "ready"])
@pytest.mark.parametrize("host", [WORKER, OTHER])
def test_a_task_that_any_worker_has_is_left_alone(
    alias: str, task_id: str, where: str, host: str
) -> None:
    stored(task_id, *RUNNING)
    workers = {name: Answering(name) for name in (WORKER, OTHER)}
    if where == "scheduled":
        # Of others only its ``query_task`` is asked, which knows no more than it says.
        host = WORKER
    getattr(workers[host], where).append(task_id)
    looks(app_with(*workers.values())[0], alias)
    assert known(task_id) == ("STARTED", "worker")


def test_a_worker_that_does_not_answer_is_not_judged(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    looks(app_with(Answering(OTHER))[0], alias)
    assert known(task_id) == ("STARTED", "worker")


def test_a_worker_that_does_not_know_the_question_is_not_judged(alias: str, task_id: str) -> None:
    class Old(Answering):
        def reply(self, command: str, arguments: dict[str, Any]) -> Any:
            return {"error": f"Unknown command {command}"}

    stored(task_id, *RUNNING)
    looks(app_with(Old())[0], alias)
    assert known(task_id) == ("STARTED", "worker")


def test_of_two_workers_with_one_name_neither_is_judged(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    looks(app_with(Answering(), Answering())[0], alias)
    assert known(task_id) == ("STARTED", "worker")


@pytest.mark.parametrize("kinds", [("sent",), ("received",), (*RUNNING, "retried")])
def test_what_does_not_run_may_wait_at_the_broker(
    alias: str, task_id: str, kinds: tuple[str, ...]
) -> None:
    stored(task_id, *kinds)
    app, sent = app_with(Answering())
    before = known(task_id)
    looks(app, alias)
    assert known(task_id) == before
    assert sent == []


def test_what_is_revoked_while_it_runs_goes_on_running(alias: str, task_id: str) -> None:
    """Workers write REVOKED at once, and only ``terminate`` ends it."""
    stored(task_id, *RUNNING)
    worker = Answering(active=[task_id])
    app, _sent = app_with(worker)
    app.backend.mark_as_revoked(task_id)
    one = settler(app, alias)
    look(one, FIRST)
    look(one, SECOND)
    assert known(task_id) == ("STARTED", "worker")
    worker.active.clear()
    one = settler(app, alias)
    look(one, FIRST)
    look(one, SECOND)
    assert known(task_id) == ("REVOKED", "result backend")


def test_an_event_between_two_looks_is_heeded(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    one = settler(app_with(Answering())[0], alias)
    look(one, FIRST)
    stored(task_id, "progress", at=5)
    look(one, SECOND)
    assert known(task_id) == ("PROGRESS", "worker")


def test_without_listening_all_the_while_nothing_is_concluded_from_an_absence(
    alias: str, task_id: str
) -> None:
    stored(task_id, *RUNNING)
    one = settler(app_with(Answering())[0], alias)
    look(one, FIRST)
    look(one, SECOND, listened=29)
    assert known(task_id) == ("STARTED", "worker")


@pytest.mark.parametrize("process", [Answering(pid=7), Answering(uptime=600)])
def test_a_worker_that_restarted_unseen_has_lost_what_it_ran(
    alias: str, task_id: str, process: Answering
) -> None:
    stored(task_id, *RUNNING)
    looks(app_with(process)[0], alias)
    assert known(task_id) == ("LOST", "worker asked")


def test_the_worker_s_own_word_comes_late_and_counts(alias: str, task_id: str) -> None:
    stored(task_id, *RUNNING)
    looks(app_with(Answering())[0], alias)
    stored(task_id, "failed", at=9)
    assert known(task_id) == ("FAILURE", "worker")


def test_a_result_of_an_earlier_delivery_is_not_that_of_this_one(alias: str, task_id: str) -> None:
    now = timezone.now()
    app, sent = app_with(Answering(active=[task_id]))
    app.backend.mark_as_done(task_id, 1)
    one = settler(app, alias)
    look(one, FIRST)
    stored(task_id, *RUNNING, at=now.timestamp() + 3600 - START)
    # So that nobody waits until the row is old enough.
    end = now + timedelta(hours=2)
    Gap.objects.create(started_at=now, ended_at=end, reason=Gap.Reason.AWAY, transport="redis")
    look(one, SECOND)
    assert known(task_id) == ("STARTED", "worker")
    assert sent == ["query_task"]


def test_a_backend_that_is_away_settles_nothing_and_is_asked_seldom(
    alias: str, task_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    stored(task_id, *RUNNING)
    # No server listens there.
    app, sent = app_with(Answering(), backend="redis://127.0.0.1:1/0")
    one = settler(app, alias)
    for at in range(10, 400, 10):
        look(one, float(at))
    assert known(task_id) == ("STARTED", "worker")
    assert sent == []
    assert [each.action for each in caplog.records if hasattr(each, "action")] == ["backend_away"]


def test_a_backend_that_is_back_is_asked_about_everything(
    alias: str, task_id: str, tmp_path: Path
) -> None:
    stored(task_id, *RUNNING)
    results = tmp_path / "results"
    app, _sent = app_with(backend=f"file://{results}")
    one = settler(app, alias)
    look(one, 10)
    look(one, 30)
    results.mkdir()
    app.backend.mark_as_done(task_id, 1)
    look(one, 70)
    assert known(task_id) == ("SUCCESS", "result backend")


def test_what_was_open_in_a_gap_is_asked_about_at_once(alias: str, task_id: str) -> None:
    now = timezone.now()
    app, _sent = app_with()
    one = settler(app, alias)
    look(one, FIRST)
    store([wire(task_id, event("sent", now.timestamp() - START))], now.timestamp())
    app.backend.mark_as_done(task_id, 1)
    look(one, 20)
    assert known(task_id) == ("PENDING", "sender")
    end = now + timedelta(seconds=1)
    gap = Gap.objects.create(
        started_at=now, ended_at=end, reason=Gap.Reason.AWAY, transport="redis"
    )
    look(one, 30)
    assert known(task_id) == ("SUCCESS", "result backend")

    other, later = str(uuid4()), end + timedelta(seconds=1)
    store([wire(other, event("sent", later.timestamp() - START))], later.timestamp())
    app.backend.mark_as_done(other, 1)
    look(one, 40)
    assert known(other) == ("PENDING", "sender")
    gap.ended_at = later
    gap.save()
    look(one, 50)
    assert known(other) == ("SUCCESS", "result backend")


def test_every_open_row_has_its_turn(alias: str) -> None:
    ids = [f"{uuid4()}" for _each in range(7)]
    app, _sent = app_with()
    for index, each in enumerate(ids):
        # Some at one moment: then the id decides.
        stored(each, "sent", at=float(index // 3))
        app.backend.mark_as_done(each, 1)
    one = settler(app, alias)
    one._pace = one._pace._replace(rows=2)
    for turn in range(1, 5):
        assert Task.objects.filter(state="PENDING").count() == max(9 - 2 * turn, 0)
        look(one, 10.0 * turn)
    look(one, 50.0)
    assert set(Task.objects.values_list("state", flat=True)) == {"SUCCESS"}
