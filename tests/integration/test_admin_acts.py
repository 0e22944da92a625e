"""Acts from the admin's lists: only for who may, with a page for the reason, recorded as such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.control import perform as door
from django_celery_monitor.control.way import Way
from django_celery_monitor.models import ControlAction
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on
from tests.integration.kept import a_collector, a_task, a_worker
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

TASKS = reverse("admin:django_celery_monitor_task_changelist")
WORKERS = reverse("admin:django_celery_monitor_worker_changelist")


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Celery]:
    """Of a broker in memory, on which nobody answers."""
    found = app_on("memory://")
    monkeypatch.setattr(door, "find_app", lambda: found)
    monkeypatch.setattr(Way.send, "__defaults__", (0.2,))
    settings.CELERY_MONITOR = {"CONTROL_TIMEOUT": 1.0}
    a_collector()
    a_task("a-1", name="shop.pay", time=timezone.now(), state="STARTED")
    a_worker("w1@host")
    yield found
    found.close()


def text(response: Any) -> str:
    return str(response.content.decode())


def ticked(act: str, key: str, **more: str) -> dict[str, Any]:
    return {"action": act, "_selected_action": [key], **more}


def root() -> Client:
    return signed_in(User.objects.create_superuser("root"))


def test_a_reason_is_asked_for_before_anything_is_done() -> None:
    client = root()
    page = text(client.post(TASKS, ticked("revoke", "a-1")))
    assert 'name="reason"' in page
    assert "<li>a-1</li>" in page
    assert not ControlAction.objects.exists()
    filled = ticked("revoke", "a-1", act_now="1", reason="double charge")
    response = client.post(TASKS, filled, follow=True)
    entry = ControlAction.objects.get()
    assert (entry.act, entry.source, entry.reason) == ("revoke", "admin", "double charge")
    assert "Revoke: nobody answered. Did not answer: w1@host" in text(response)


def test_mistakes_are_told_on_the_page() -> None:
    filled = ticked("rate_limit", "w1@host", act_now="1", task="shop.pay", rate="fast")
    response = root().post(WORKERS, filled)
    assert response.status_code == 400
    assert "must look like 5/s" in text(response)
    assert 'value="fast"' in text(response)
    assert not ControlAction.objects.exists()


def test_the_name_has_to_be_typed() -> None:
    client = root()
    response = client.post(WORKERS, ticked("shutdown", "w1@host", act_now="1", typed="w2"))
    assert response.status_code == 400
    assert not ControlAction.objects.exists()
    client.post(WORKERS, ticked("shutdown", "w1@host", act_now="1", typed="w1@host"))
    assert ControlAction.objects.get().act == "shutdown"


def test_only_who_may_finds_the_acts(settings: Settings) -> None:
    viewer = signed_in(person("viewer", "view_task", staff=True))
    assert 'name="action"' not in text(viewer.get(TASKS))
    assert viewer.post(TASKS, ticked("revoke", "a-1", act_now="1")).status_code == 403
    revoker = signed_in(person("revoker", "view_task", "revoke_task", staff=True))
    page = text(revoker.get(TASKS))
    assert '<option value="revoke">' in page
    assert '<option value="terminate">' not in page
    assert revoker.post(TASKS, ticked("terminate", "a-1", act_now="1")).status_code == 403
    assert {each.outcome for each in ControlAction.objects.all()} == {"denied"}
    settings.CELERY_MONITOR = {"READ_ONLY": True}
    assert 'name="action"' not in text(root().get(TASKS))
