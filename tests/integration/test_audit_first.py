"""The entry in the audit is there before anything is sent; without it, nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_celery_monitor.control import perform as door
from django_celery_monitor.control import sending
from django_celery_monitor.control.acts.base import Outcome, Result
from django_celery_monitor.control.errors import AuditError
from django_celery_monitor.management.commands import celerymonitor_control as command
from django_celery_monitor.models import ControlAction, ControlTarget, Operation
from tests.integration.collecting import app_on
from tests.integration.kept import a_task, a_worker
from tests.integration.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

Sent = list[tuple[bool, int]]


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    found = app_on("memory://")
    monkeypatch.setattr(door, "find_app", lambda: found)
    monkeypatch.setattr(command, "find_app", lambda *_: found)
    a_task("a-1", name="shop.pay", time=timezone.now(), state="STARTED")
    a_worker("w1@host")
    yield found
    found.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What is sent: whether a transaction was open then, and how many entries there were."""
    found: Sent = []

    def run(*_args: Any) -> Result:
        found.append((connection.in_atomic_block, ControlAction.objects.count()))
        return Result(outcome=Outcome.CONFIRMED)

    monkeypatch.setattr(sending, "run", run)
    return found


@pytest.fixture
def root(db: None) -> Client:
    return signed_in(User.objects.create_superuser("root"))


def by_page(client: Client) -> Any:
    url = reverse("celery_monitor:act", args=["revoke"])
    return client.post(f"{url}?ids=a-1", {"reason": "why"})


def by_rest(client: Client) -> Any:
    url = reverse("celery_monitor:api:do_revoke")
    return client.post(url, json.dumps({"ids": ["a-1"]}), content_type="application/json")


def by_admin(client: Client) -> Any:
    url = reverse("admin:django_celery_monitor_task_changelist")
    return client.post(url, {"action": "revoke", "_selected_action": ["a-1"], "act_now": "1"})


def by_command(_client: Client) -> Any:
    call_command("celerymonitor_control", "revoke", "a-1")


def by_operation(client: Client) -> Any:
    given = {"act": "revoke", "ids": '["a-1"]', "confirmed": "1"}
    return client.post(reverse("celery_monitor:new_operation"), given)


@pytest.mark.parametrize("act", [by_page, by_rest, by_admin])
def test_a_project_whose_requests_are_transactions_still_has_it_committed_first(
    act: Callable[[Client], Any], root: Client, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert act(root).status_code in (200, 302)
    assert sent == [(False, 1)]


@pytest.mark.parametrize("act", [by_page, by_rest, by_admin])
def test_what_was_denied_is_not_undone_with_the_request(
    act: Callable[[Client], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    staff = signed_in(User.objects.create_user("bob", is_staff=True))
    assert act(staff).status_code == 403
    assert ControlAction.objects.get().outcome == "denied"


def test_inside_of_a_transaction_of_ones_own_nothing_is_done(sent: Sent) -> None:
    with transaction.atomic(), pytest.raises(AuditError, match="Inside of a transaction"):
        door.perform(None, "revoke", {"ids": ["a-1"]})
    assert sent == []
    with transaction.atomic():
        assert door.perform(None, "ping", {}).outcome == Outcome.CONFIRMED


@pytest.mark.parametrize("broken", ["entry", "targets"])
@pytest.mark.parametrize("act", [by_page, by_admin, by_command, by_operation])
def test_what_cannot_be_recorded_is_not_done_by_any_door(
    act: Callable[[Client], Any],
    broken: str,
    root: Client,
    sent: Sent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_args: Any, **_options: Any) -> None:
        raise DatabaseError("disk full")

    if broken == "entry":
        monkeypatch.setattr(ControlAction, "save", full)
    else:
        monkeypatch.setattr(ControlTarget.objects, "bulk_create", full)
    if act is by_command:
        with pytest.raises(CommandError, match="could not be recorded"):
            act(root)
    else:
        answer = act(root)
        assert answer.status_code in (400, 503)
        assert "This could not be recorded, so it was not done." in answer.content.decode()
    assert sent == []
    assert not ControlAction.objects.exists()
    assert not Operation.objects.exists()
