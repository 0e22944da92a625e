"""The pages that run a task again, or send one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.test import Client
from kombu.utils.json import dumps
from pytest_django import Settings

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS
from django_celery_monitor.control import signatures
from django_celery_monitor.models import ControlAction, Rerun
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on
from tests.integration.made import client_of, root_client
from tests.integration.test_control_retry import NAME, recorded

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

ADD = "tests.project.tasks.add"
SEND = "/monitor/send/"


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """What is sent goes nowhere."""
    found = app_on("memory://")
    monkeypatch.setattr("django_celery_monitor.control.perform.find_app", lambda: found)
    return found


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return str(answer.content.decode())


def address(task_id: str) -> str:
    return f"/monitor/retry/{task_id}/"


def test_a_task_is_run_again_and_both_pages_say_so_before_any_event() -> None:
    client, task_id, new_id = root_client(), recorded(args=(7,)), str(uuid4())
    page = text(client.get(address(task_id)))
    assert "not marked as safe" in page
    assert "args=[7]" in page
    assert "not marked as safe" in text(client.post(address(task_id), {"new_id": new_id}), 400)
    given = {"new_id": new_id, "confirm": "on", "reason": "the bank was down"}
    answer = client.post(address(task_id), given)
    assert answer.headers["Location"] == f"/monitor/tasks/{task_id}/"
    assert "Re-run as" in text(client.get(f"/monitor/tasks/{task_id}/"))
    assert "No event of it has come yet" in text(client.get(f"/monitor/tasks/{new_id}/"))
    action = ControlAction.objects.get()
    assert (action.source, action.reason) == ("page", "the bank was down")
    # Twice pressed is once sent.
    assert "sent before" in text(client.post(address(task_id), given), 400)
    recorded_again = recorded(task_id=new_id)
    assert "Re-run of" in text(client.get(f"/monitor/tasks/{recorded_again}/"))


def test_what_cannot_be_run_again_says_why_and_which_setting_fixes_it() -> None:
    client, task_id = root_client(), recorded(payload=None, flaw="cut")
    page = text(client.get(address(task_id)))
    assert "RECORD_MAX_PAYLOAD" in page
    assert 'type="submit">Run again' not in page
    text(client.post(address(task_id), {"confirm": "on"}), 400)
    assert not Rerun.objects.exists()


def test_without_the_right_to_see_arguments_none_are_shown() -> None:
    task_id = recorded(args=("eagle",), headers={"tenant": "eagle"})
    client = client_of("view_task", "retry_task", "send_task")
    form = {"rerun_of": task_id, "task": NAME, "queue": "mail"}
    for answer in (
        client.get(address(task_id)),
        client.get(SEND, {"rerun_of": task_id}),
        client.post(SEND, {**form, "look": ""}),
    ):
        page = text(answer)
        assert "eagle" not in page
        assert VIEW_TASK_ARGUMENTS in page or "right of its own" in page
    assert client.post(SEND, {**form, "send": "", "confirm": "on"}).status_code == 302


def test_a_look_shows_what_would_be_sent_and_what_is_different() -> None:
    client = root_client()
    task_id = recorded(name=ADD, args=(1, 2), priority=3)
    page = text(client.get(SEND, {"rerun_of": task_id}))
    assert 'value="3"' in page
    assert "(x: int, y: int)" in page
    given = {"rerun_of": task_id, "task": ADD, "args": "[1, 3]", "queue": "mail", "priority": "3"}
    page = text(client.post(SEND, {**given, "look": ""}))
    assert "args=[1, 3]" in page
    assert "Nothing was sent yet" in page
    assert page.count('class="added"') == page.count('class="taken"') == 1
    assert not Rerun.objects.exists()
    assert "line 1" in text(client.post(SEND, {**given, "args": "[1,", "look": ""}))
    assert "does not take" in text(client.post(SEND, {**given, "args": "[1]", "send": ""}), 400)
    assert client.post(SEND, {**given, "send": "", "confirm": "on"}).status_code == 302
    assert Rerun.objects.get().changed


def test_a_form_begins_with_what_it_would_send_and_marks_nothing() -> None:
    client = root_client()
    page = text(client.get(SEND, {"rerun_of": recorded(name=ADD, args=(1, 2))}))
    assert "args=[1, 2]" in page
    assert "Nothing: it is sent as it was." in page
    page = text(client.get(SEND, {"task": ADD}))
    assert "missing a required argument" in page
    assert "aria-invalid" not in page
    assert "cannot import it" in text(client.get(SEND, {"task": "elsewhere.task"}))


def test_what_was_written_is_not_lost() -> None:
    client = root_client()
    given = {"task": ADD, "args": "[1,", "queue": "nowhere", "reason": "the bank was down"}
    for button, status in (("look", 200), ("send", 400)):
        page = text(client.post(SEND, {**given, button: ""}), status)
        assert "[1,</textarea>" in page
        assert 'value="nowhere"' in page
        assert 'value="the bank was down"' in page


def test_scripts_are_told_where_to_go_on() -> None:
    client, task_id = root_client(), recorded()
    scripts = {"X-Requested-With": "monitor"}
    url = f"{address(task_id)}?next=/monitor/failures/"
    answer = client.post(url, {"confirm": "on"}, headers=scripts)
    assert answer.json() == {"url": "/monitor/failures/"}
    given = {"task": ADD, "args": "[1, 2]", "new_id": "mine", "send": ""}
    answer = client.post(SEND, given, headers=scripts)
    assert answer.json() == {"url": "/monitor/tasks/mine/"}
    assert "data-told" in text(client.get("/monitor/tasks/mine/"))


def test_a_default_that_is_secret_is_in_no_signature() -> None:
    app = app_on("memory://")

    @app.task(name="shop.login", shared=False)
    def login(user: str, password: str = "hunter2", host: str = "mail") -> None: ...

    told = signatures.signature(app, "shop.login")
    assert told == "(user: str, password: str = ••••••, host: str = 'mail')"
    assert "hunter2" not in signatures.mismatch(app, "shop.login", [], {})


def test_a_time_is_in_the_zone_that_the_reader_chose() -> None:
    client = root_client()
    client.cookies["celery_monitor_zone"] = "Asia/Tokyo"
    given = {"task": ADD, "args": "[1, 2]", "eta": "2150-01-31T14:00", "look": ""}
    page = text(client.post(SEND, given))
    assert "2150-01-31T05:00:00+00:00" in page
    assert "JST" in page


def test_arguments_are_shown_without_secrets(settings: Settings) -> None:
    client = root_client()
    given = {"task": NAME, "kwargs": '{"password": "hunter2"}', "look": ""}
    page = text(client.post(SEND, given))
    # In the form, where it was typed, and nowhere else.
    assert page.count("hunter2") == 1


def test_hostile_values_stay_text() -> None:
    task_id = recorded(args=("</textarea><script>alert(1)</script>",))
    for answer in (
        root_client().get(SEND, {"rerun_of": task_id}),
        root_client().get(address(task_id)),
    ):
        assert "<script>alert" not in text(answer)


def test_read_only_and_other_methods(settings: Settings) -> None:
    task_id, client = recorded(), root_client()
    assert client.put(SEND).status_code == 405
    assert Client(enforce_csrf_checks=True).post(SEND).status_code == 403
    settings.CELERY_MONITOR = {"READ_ONLY": True}
    assert client.get(address(task_id)).status_code == 403
    assert client.post(SEND, {"task": ADD, "args": "[1, 2]", "send": ""}).status_code == 403


def test_what_follows_a_task_is_named_and_its_arguments_take_the_right_to_see_them() -> None:
    step = {"task": "shop.ship", "args": ["to the moon"], "kwargs": {}, "options": {}}
    task_id = recorded(canvas=dumps({"chain": [step]}))
    page = text(root_client().get(address(task_id)))
    assert "What follows it runs after it" in page
    assert "shop.ship" in page
    form = f"{SEND}?rerun_of={task_id}&task={NAME}"
    assert "to the moon" in text(root_client().get(form))
    for where in (address(task_id), form):
        hidden = client_of("view_task", "retry_task", "send_task").get(where)
        assert "to the moon" not in text(hidden)
