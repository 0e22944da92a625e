"""A broker that is down and an audit that cannot be written, at every door: what is said, and that
nothing is sent.
"""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.way import Way
from django_celery_monitor.management.commands.celerymonitor_control import LATER
from django_celery_monitor.models import ControlAction, ControlTarget, Rerun
from tests.integration.acting import _no_thread_is_left, control_threads
from tests.integration.collecting import app_on
from tests.integration.doors import PUBLISHING, address, arguments, entries, lead_to
from tests.integration.kept import a_task, a_worker
from tests.integration.test_control_retry import recorded
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

ADD = "tests.project.tasks.add"
NOWHERE = "redis://127.0.0.1:1/0"
# What deletes, ends or starts something.
GIVEN: dict[str, dict[str, Any]] = {
    "revoke": {"ids": ["a-1"]},
    "terminate": {"ids": ["a-1"], "signal": "KILL"},
    "shutdown": {"workers": ["w1@host"]},
    "purge": {"queue": "mail"},
    "send": {"task": ADD, "args": [1, 2]},
    "retry": {"id": "failed-1", "confirm": True},
    "ping": {"workers": ["w1@host"]},
}


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    a_worker("w1@host")
    a_task("a-1", queue="mail", state="STARTED")
    recorded(name=ADD, args=(1, 2), task_id="failed-1")
    lead_to(app_on(NOWHERE), monkeypatch)


@pytest.fixture
def client() -> Client:
    found = Client()
    found.force_login(User.objects.create_superuser("root"))
    return found


def by_rest(client: Client, act: str) -> tuple[int, dict[str, Any]]:
    url = reverse(f"celery_monitor:api:do_{act}")
    found = client.post(url, json.dumps(GIVEN[act]), content_type="application/json")
    return found.status_code, found.json()


def by_page(client: Client, act: str) -> tuple[int, str, str]:
    """The status, and the page with what it says is wrong."""
    given = GIVEN[act]
    more = {"task": given["task"], "send": ""} if act == "send" else {}
    found = client.post(address(act, given), {**entries(act, given), **more})
    page = found.content.decode()
    wrong = re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)
    return found.status_code, page, wrong[1] if wrong else ""


def by_command(act: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        call_command("celerymonitor_control", act, *arguments(act, GIVEN[act]), stdout=StringIO())
    return caught.value.returncode, str(caught.value)


@pytest.mark.parametrize("act", GIVEN)
def test_a_broker_that_is_down_is_said_by_every_door(act: str, client: Client) -> None:
    status, problem = by_rest(client, act)
    assert (status, problem["sent"]) == (503, False)
    assert "does not answer" in problem["detail"]
    assert ControlAction.objects.get(pk=problem["action"]).outcome == "failed"
    if act == "retry":
        # An id is sent once; of this one nothing was.
        assert Rerun.objects.get().status == Rerun.Status.NOT_SENT

    status, page, wrong = by_page(client, act)
    assert status == 503
    assert "does not answer" in wrong
    assert ACTS[act].changes == ('value="the host is slow"' in page)

    status, said = by_command(act)
    assert (status, "does not answer" in said) == (LATER, True)
    assert set(ControlAction.objects.values_list("outcome", flat=True)) == {"failed"}
    wait_until(lambda: not control_threads())


@pytest.mark.parametrize("act", [each for each in GIVEN if ACTS[each].changes])
def test_an_act_that_cannot_be_recorded_is_not_sent_by_any_door(
    act: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise DatabaseError("disk full")

    def run(*_args: object) -> None:
        raise AssertionError("It was done")

    monkeypatch.setattr(ControlTarget.objects, "bulk_create", full)
    monkeypatch.setattr(Way, "connection", run)
    monkeypatch.setattr("django_celery_monitor.control.sending.run", run)
    status, problem = by_rest(client, act)
    assert (status, problem["sent"], problem["action"]) == (503, False, None)
    assert problem["detail"] == "This could not be recorded, so it was not done."
    status, page, wrong = by_page(client, act)
    assert status == 503
    assert "could not be recorded" in wrong
    assert 'value="the host is slow"' in page
    status, said = by_command(act)
    assert (status, "could not be recorded" in said) == (LATER, True)
    assert not ControlAction.objects.exists()
    assert not Rerun.objects.exists()


def test_a_second_try_after_the_broker_was_down_was_told_that_it_was_sent_before(
    client: Client,
) -> None:
    for act in PUBLISHING:
        _status, page, _wrong = by_page(client, act)
        [new_id] = set(re.findall(r'name="new_id" value="([^"]+)"', page))
        assert not Rerun.objects.filter(task_id=new_id).exists()


def test_a_page_said_that_nothing_was_sent_of_what_may_have_been_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def lost(*_args: object) -> None:
        raise OSError("connection reset")

    lead_to(app_on("memory://"), monkeypatch)
    monkeypatch.setattr("django_celery_monitor.control.message.publish", lost)
    for act in PUBLISHING:
        status, _page, wrong = by_page(client, act)
        assert status == 503
        assert "What came of it is unclear." in wrong
        assert "Nothing was sent" not in wrong
