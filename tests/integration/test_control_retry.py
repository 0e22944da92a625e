"""Sending again, from what is known to what the worker gets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery
from celery.app.task import Context
from django.db import DatabaseError
from django.utils import timezone
from kombu.utils.json import dumps, loads
from pytest_django import Settings

from django_celery_monitor.control.acts.base import Outcome
from django_celery_monitor.control.cautions import is_safe
from django_celery_monitor.control.errors import (
    AuditError,
    BadParametersError,
    DeniedError,
    UnavailableError,
    UnknownTargetError,
)
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction, Rerun, Task
from django_celery_monitor.reading.reruns import status_of
from django_celery_monitor.recorder import receivers
from django_celery_monitor.storage.rows import events_of
from tests.fixtures.workers import CeleryWorker
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on, collecting
from tests.integration.made import failed, received, sent
from tests.integration.made import now as seconds
from tests.integration.made import store as store_events
from tests.integration.people import person
from tests.project import tasks
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

NAME = "tests.project.tasks.describe"
ADD = "tests.project.tasks.add"
ECHO = "tests.project.tasks.echo"
MOMENT = datetime(2026, 1, 31, 14, 0, 0, 123, tzinfo=UTC)
ARGS = [1, True, None, 2.5, 2**70, "é\n\\'\u2028", "x" * 9000, [[[[["deep"]]]]]]
TYPED = [MOMENT, date(2026, 1, 31), Decimal("1.10"), UUID(int=7), b"\xff\x00"]
KWARGS = {"size": {"a": TYPED}, "naïve": "😀", "empty": {}}


@pytest.fixture
def app() -> Celery:
    return app_on("memory://")


def recorded(
    name: str = NAME, args: Any = (1,), kwargs: Any = None, task_id: str = "", **own: Any
) -> str:
    """The id of a failed task, of which the recorder told."""
    task_id, at = task_id or str(uuid4()), seconds() - 60
    payload = dumps([list(args), kwargs or {}])
    event = sent(task_id, at, name=name, **({"payload": payload} | own))
    store_events(
        event | {"type": "monitor-published"},
        received(task_id, at + 1, name=name),
        failed(task_id, at + 2),
    )
    return task_id


def test_a_worker_gets_the_same_again(
    broker_url: str, celery_worker: CeleryWorker, settings: Settings
) -> None:
    """Queue, priority, headers, limits, stamps and values of all types; then edited, then new."""
    settings.CELERY_MONITOR = {"RECORD": True, "RETRY_SAFE": ["tests.*"]}
    worker = celery_worker(broker_url, queues="celery,other")
    app = worker.app
    describe: Any = app.tasks[tasks.describe.name]
    with collecting(app):
        first = describe.apply_async(
            *(ARGS, KWARGS),
            queue="other",
            priority=3,
            headers={"tenant": "ü"},
            time_limit=50,
            soft_time_limit=40.5,
            stamped_headers=["order"],
            order="7",
        )
        told = first.get(timeout=20)
        receivers.flush()
        wait_until(lambda: known(first.id), timeout=20)
    assert (told["args"], told["kwargs"]) == (ARGS, KWARGS)
    assert told["place"][1:] == ["other", 3]
    assert (told["timelimit"], told["stamps"], told["tenant"]) == ([50, 40.5], {"order": "7"}, "ü")

    action = perform(None, "retry", {"id": first.id}, app=app)
    assert action.outcome == Outcome.CONFIRMED
    again = action.arguments["new_id"]
    assert app.AsyncResult(again).get(timeout=20) == told

    edited = {"task": NAME, "rerun_of": first.id, "args": [2], "countdown": 0.1, "confirm": True}
    second = perform(None, "send", edited, app=app).arguments["new_id"]
    expected = told | {"args": [2]}
    assert app.AsyncResult(second).get(timeout=20) == expected

    new = {"task": NAME, "kwargs": {"at": {"__type__": "uuid", "__value__": {"hex": "7" * 32}}}}
    third = perform(None, "send", new | {"new_id": "mine", "priority": 5}, app=app)
    assert third.arguments["new_id"] == "mine"
    told = app.AsyncResult("mine").get(timeout=20)
    assert (told["place"][1:], told["kwargs"]) == (["celery", 5], {"at": UUID("7" * 32)})
    rows = Rerun.objects.order_by("id").values_list("task_id", "origin_id", "changed", "status")
    assert list(rows) == [
        (again, first.id, False, "sent"),
        (second, first.id, True, "sent"),
        ("mine", "", False, "sent"),
    ]


def test_what_is_not_known_whole_is_refused_with_the_setting_that_fixes_it(app: Celery) -> None:
    for task_id, setting in (
        (recorded(payload=None), "RECORD"),
        (recorded(payload=None, flaw="cut"), "RECORD_MAX_PAYLOAD"),
        (recorded(payload='[["••••••"], {}]', flaw="redacted"), "REDACT_KEYS"),
        (recorded(payload=None, flaw="serializer"), "task_serializer"),
    ):
        with pytest.raises(BadParametersError, match=setting):
            perform(None, "retry", {"id": task_id, "confirm": True}, app=app)
    at, text = seconds(), str(uuid4())
    store_events(sent(text, at, name=NAME), received(text, at, name=NAME))
    with pytest.raises(BadParametersError, match="Only a text"):
        perform(None, "retry", {"id": text, "confirm": True}, app=app)
    with pytest.raises(UnknownTargetError):
        perform(None, "retry", {"id": "nobody"}, app=app)
    assert not Rerun.objects.exists()
    assert not ControlAction.objects.exists()


def test_an_extended_result_backend_knows_what_the_recorder_left_out(
    app: Celery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed = app_on("memory://", result_backend=f"file://{tmp_path}", result_extended=True)
    monkeypatch.setattr("django_celery_monitor.control.acts.retry.find_app", lambda: backed)
    task_id = recorded(payload='[["••••••"], {}]', flaw="redacted")
    request = Context(task=NAME, args=[MOMENT], kwargs={"token": "hunter2"}, id=task_id)
    backed.backend.store_result(task_id, None, "FAILURE", request=request)
    perform(None, "retry", {"id": task_id, "confirm": True}, app=app)
    [message] = waiting(app)
    assert loads(message.body)[:2] == [[MOMENT], {"token": "hunter2"}]
    action = ControlAction.objects.get()
    assert "hunter2" not in f"{action.arguments} {action.detail}"


def test_what_has_to_be_thought_of_has_to_be_confirmed(app: Celery, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"RETRY_SAFE": ["tests.*"]}
    again = perform(None, "retry", {"id": (first := recorded())}, app=app).arguments["new_id"]
    at = seconds()
    store_events(received(again, at, name=NAME), failed(again, at + 1))
    unended = str(uuid4())
    event = sent(unended, at, name=NAME, payload="[[], {}]")
    store_events(event | {"type": "monitor-published"})
    for task_id, warning in (
        (first, "sent again before"),
        (again, "failed in the same way"),
        (unended, "not ended"),
        (recorded(chord={"task": NAME, "id": "b"}, group_id="g"), "chord"),
        (recorded(group_id="g"), "group"),
    ):
        with pytest.raises(BadParametersError, match=warning):
            perform(None, "retry", {"id": task_id}, app=app)
    settings.CELERY_MONITOR = {"RETRY_SAFE": ["other.*"]}
    with pytest.raises(BadParametersError, match="not marked as safe"):
        perform(None, "retry", {"id": recorded()}, app=app)
    assert perform(None, "retry", {"id": first, "confirm": True}, app=app)


def test_a_task_may_say_itself_whether_it_is_safe(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"RETRY_SAFE": ["shop.*"]}
    app = app_on("memory://")
    app.task(shared=False, name="shop.pay", celery_monitor_retry_safe=False)(_pay)
    app.task(shared=False, name="bank.pay", celery_monitor_retry_safe=True)(_pay)
    named = ("shop.pay", "shop.mail", "bank.pay", "bank.mail")
    assert [is_safe(app, name) for name in named] == [False, True, True, False]


def _pay(order: int, *, size: int = 1) -> None: ...


def test_an_id_is_sent_once(app: Celery) -> None:
    task_id = recorded()
    given = {"id": task_id, "new_id": "item-7", "confirm": True}
    perform(None, "retry", given, app=app, source="operation")
    for new_id in ("item-7", task_id):
        with pytest.raises(BadParametersError, match="sent before"):
            perform(None, "retry", given | {"new_id": new_id}, app=app)
    assert len(waiting(app)) == 1


def test_a_process_that_dies_on_the_way_leaves_a_row_that_reads_unclear(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(*_args: Any) -> None:
        raise SystemExit

    monkeypatch.setattr("django_celery_monitor.control.message.publish", died)
    with pytest.raises(SystemExit):
        perform(None, "retry", {"id": recorded(), "confirm": True}, app=app)
    row, now = Rerun.objects.get(), timezone.now()
    assert (row.status, status_of(row, now)) == ("sending", "sending")
    assert status_of(row, now + timedelta(seconds=30)) == "unclear"
    assert ControlAction.objects.get().outcome == Outcome.REQUESTED


def test_what_failed_says_whether_it_may_have_been_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"id": recorded(), "confirm": True}
    with pytest.raises(UnavailableError):
        perform(None, "retry", given, app=app_on("redis://127.0.0.1:1/0"))

    def broken(*_args: Any) -> None:
        raise OSError("connection reset")

    monkeypatch.setattr("django_celery_monitor.control.message.publish", broken)
    with pytest.raises(UnavailableError):
        perform(None, "retry", given, app=app_on("memory://"))
    assert list(Rerun.objects.values_list("status", flat=True)) == ["unclear", "not_sent"]


def test_a_link_that_cannot_be_kept_means_that_nothing_is_sent(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_values: Any) -> None:
        raise DatabaseError("disk full")

    task_id = recorded()
    monkeypatch.setattr(Rerun.objects, "create", broken)
    with pytest.raises(AuditError):
        perform(None, "retry", {"id": task_id, "confirm": True}, app=app)
    assert not ControlAction.objects.exists()
    assert not waiting(app)


def test_sending_is_checked_before_anything_is_sent(app: Celery) -> None:
    task_id = recorded(name=ADD, args=(1, 2))
    for given, problem in (
        ({"task": ADD, "args": [1]}, "does not take"),
        ({"task": ADD, "args": "[1,"}, "line 1"),
        ({"task": ADD, "args": {"x": 1}}, "JSON list"),
        ({"task": ADD, "args": [float("nan"), 1]}, "no JSON"),
        ({"task": ADD, "args": [chr(0xD800), 1]}, "no JSON"),
        ({"task": ADD, "args": [1, 2], "headers": {"task": "other"}}, "Celery's own"),
        ({"task": ADD, "args": [1, 2], "eta": "soon"}, "must be a time"),
        ({"task": ADD, "args": [1, 2], "eta": MOMENT, "countdown": 1}, "together"),
        ({"task": ADD, "args": [1, {"__type__": "nobody", "__value__": 1}]}, "cannot be sent"),
        ({"task": ADD, "rerun_of": task_id, "args": [1, "••••••"]}, "not shown"),
        ({"task": ADD, "rerun_of": task_id, "args": [1, 3]}, "not marked as safe"),
    ):
        with pytest.raises(BadParametersError, match=problem):
            perform(None, "send", given, app=app)
    for given in (
        {"task": "nobody.knows"},
        {"task": ADD, "args": [1, 2], "queue": "nobody"},
        {"task": ADD, "args": [1, 2], "rerun_of": "nobody"},
    ):
        with pytest.raises(UnknownTargetError):
            perform(None, "send", given, app=app)
    assert not waiting(app)


def test_what_is_not_shown_is_sent_as_it_was_and_not_kept(
    app: Celery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed = app_on("memory://", result_backend=f"file://{tmp_path}", result_extended=True)
    monkeypatch.setattr("django_celery_monitor.control.acts.send.find_app", lambda: backed)
    task_id = recorded(payload=None, flaw="redacted")
    request = Context(task=NAME, args=[1], kwargs={"token": "hunter2", "to": "ann"}, id=task_id)
    backed.backend.store_result(task_id, None, "FAILURE", request=request)
    kwargs = {"token": "••••••", "to": "bob"}
    given = {"task": NAME, "rerun_of": task_id, "kwargs": kwargs, "confirm": True}
    action = perform(None, "send", given, app=app)
    [message] = waiting(app)
    assert loads(message.body)[:2] == [[1], {"token": "hunter2", "to": "bob"}]
    assert (action.arguments["kwargs"], Rerun.objects.get().changed) == (kwargs, True)
    # Another task might tell what it is.
    with pytest.raises(BadParametersError, match="not shown"):
        perform(None, "send", given | {"task": ECHO}, app=app)


def test_rights_are_those_of_the_act_and_of_the_task(app: Celery) -> None:
    task_id = recorded()
    acts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("retry", {"id": task_id}),
        ("send", {"task": ADD, "args": [1, 2]}),
    )
    for act, given in acts:
        with pytest.raises(DeniedError):
            perform(person(act, "view_task"), act, given, app=app)
        user = person(f"{act}er", f"{act}_task")
        assert perform(user, act, given | {"confirm": True}, app=app).user_name == user.username


def waiting(app: Celery) -> list[Any]:
    """Takes the messages off the broker in memory."""
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        found = []
        for queue in ("celery", "mail"):
            channel.queue_declare(queue)
            while (message := channel.basic_get(queue, no_ack=True)) is not None:
                found.append(message)
        return found


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    """What is in memory is there for all tests of this process."""
    waiting(app_on("memory://"))


def known(task_id: str) -> bool:
    found = Task.objects.filter(pk=task_id, state="SUCCESS").first()
    return found is not None and any(each.type == "monitor-published" for each in events_of(found))
