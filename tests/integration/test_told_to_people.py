"""What workers answer to who asks them directly goes through the same rights as what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control.content import content_of
from django_celery_monitor.control.perform import perform
from django_celery_monitor.control.way import Way
from tests.integration.acting import _no_thread_is_left
from tests.integration.kept import a_task, a_worker
from tests.integration.people import person, signed_in
from tests.integration.told import held_task, replies

pytestmark = pytest.mark.django_db

__all__ = ["_no_thread_is_left"]

HOST = "celery@web-1"


def told(act: str, *rights: str) -> Any:
    user = person(f"{act} {' '.join(rights)}", "view_worker", *rights)
    reply = {HOST: replies(text="eagle")[act]}
    return content_of(find_app(), user, act, reply)[HOST]["content"]


@pytest.mark.parametrize("act", ["active", "reserved", "scheduled"])
def test_a_reply_leaked_secrets_and_arguments_to_who_may_see_workers_only(act: str) -> None:
    assert told(act) is None
    [entry] = told(act, "view_task")
    assert (entry["id"], entry["args"], entry["kwargs"]) == ("a-1", None, None)


def test_with_the_right_arguments_are_told_but_no_secret() -> None:
    [entry] = told("active", "view_task", "view_task_arguments")
    assert "eagle" in entry["args"]
    assert "hunter2" not in entry["kwargs"]


def test_the_configuration_takes_its_own_right() -> None:
    assert told("conf") is None
    assert told("conf", "view_worker_configuration")["changed"]


def test_where_tasks_are_says_no_more() -> None:
    reply = {HOST: {"a-1": ["active", held_task(text="eagle")], "b": "odd"}}
    user = person("ann", "view_task")
    [found] = content_of(find_app(), user, "query_task", reply)[HOST]["content"]
    assert (found["id"], found["state"]) == ("a-1", "active")
    assert "eagle" not in repr(found)
    assert "hunter2" not in repr(found)
    ping = content_of(find_app(), user, "ping", {HOST: {"ok": "pong"}})
    assert ping[HOST]["content"] == {"ok": "pong"}


def test_tasks_of_others_are_left_out(settings: Settings) -> None:
    policy = "tests.project.own_queue.OwnQueue"
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "ACCESS_POLICY": policy}
    a_task("a-1", queue="vault")
    assert told("active", "view_task", "view_task_arguments") == []


@pytest.mark.parametrize("act", replies())
@pytest.mark.django_db(transaction=True)
def test_what_people_were_told_is_not_read_twice(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is of another shape than what came: read again, it was empty or an error."""
    a_worker(HOST)
    reply = replies()[act]
    monkeypatch.setattr(Way, "send", lambda *_given: [(HOST, reply)])
    user = User.objects.create_superuser("root")
    client = signed_in(user)
    url = reverse(f"celery_monitor:api:do_{act}")
    found = client.post(url, json.dumps({"workers": "*"}), content_type="application/json").json()
    expected = content_of(find_app(), None, act, {HOST: reply})[HOST]
    assert found["told"][HOST] == json.loads(json.dumps(expected))
    assert expected["content"]
    assert perform(user, act, {}).told[HOST] == expected["content"]
    assert perform(None, act, {}).told[HOST] == reply
    page = client.post(reverse("celery_monitor:act", args=[act]), {"workers": HOST})
    assert (page.status_code, HOST in page.content.decode()) == (200, True)
