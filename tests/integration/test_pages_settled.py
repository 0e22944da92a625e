"""A task whose end nobody told says what is known, and from whom."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from django_celery_monitor.pipeline import Pipeline
from django_celery_monitor.upkeep.conclusions import Conclusion
from tests.integration.made import HOST, a_task, event, failed, now, received, root_client, store

pytestmark = pytest.mark.django_db


def settled(task_id: str, state: str, source: str, text: str = "") -> Any:
    Pipeline().settle([Conclusion(task_id, HOST, now(), state, source, text)])
    return root_client().get(reverse("celery_monitor:task", args=[task_id]))


def last_steps(response: Any) -> list[tuple[str, str]]:
    steps = [step for lane in response.context["life"].lanes for step in lane.steps]
    return [(step.kind, step.label) for step in steps][-2:]


def a_running_task() -> str:
    uuid, at = str(uuid4()), now() - 60
    store(received(uuid, at), event("started", uuid, at + 1))
    return uuid


def test_an_ignored_task_has_a_badge_of_its_own() -> None:
    response = settled(a_running_task(), "IGNORED", "worker asked")
    assert last_steps(response) == [("running", "Started"), ("revoked", "Ignored")]
    assert '<span class="st st-ignored" title="IGNORED">' in response.text
    assert "its worker, when asked" in response.text
    listed = root_client().get(reverse("celery_monitor:tasks"), {"state": "revoked"})
    assert "st-ignored" in listed.text


def test_a_result_that_only_the_backend_knows_is_said_to_be_from_there() -> None:
    response = settled(a_running_task(), "SUCCESS", "result backend", "42")
    assert last_steps(response) == [("running", "Started"), ("succeeded", "Settled")]
    assert "the result backend" in response.text
    assert "42" in response.text


def test_a_retry_that_was_never_heard_of_shows_its_end_too() -> None:
    uuid, at = str(uuid4()), now() - 60
    store(received(uuid, at), event("started", uuid, at + 1), failed(uuid, at + 2, "retried"))
    response = settled(uuid, "SUCCESS", "result backend")
    assert last_steps(response) == [("retrying", "Retry 1"), ("succeeded", "Settled")]


def test_what_workers_told_is_known_by_them() -> None:
    response = root_client().get(reverse("celery_monitor:task", args=[a_task()]))
    assert "its worker, " in response.text
    assert ("succeeded", "Succeeded") in last_steps(response)
