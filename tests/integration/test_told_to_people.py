"""What workers answer to who asks them directly goes through the same rights as what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control.audience import seen_by
from tests.integration.kept import a_task
from tests.integration.people import person
from tests.integration.told import held_task, replies

pytestmark = pytest.mark.django_db

HOST = "celery@web-1"


def told(act: str, *rights: str) -> Any:
    user = person(f"{act} {' '.join(rights)}", "view_worker", *rights)
    return seen_by(find_app(), user, act, {HOST: replies(text="eagle")[act]})[HOST]


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
    found = seen_by(find_app(), user, "query_task", reply)[HOST]
    assert found["a-1"][0] == "active"
    assert "eagle" not in repr(found)
    assert "hunter2" not in repr(found)
    assert seen_by(find_app(), user, "ping", {HOST: {"ok": "pong"}}) == {HOST: {"ok": "pong"}}


def test_tasks_of_others_are_left_out(settings: Settings) -> None:
    policy = "tests.project.own_queue.OwnQueue"
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "ACCESS_POLICY": policy}
    a_task("a-1", queue="vault")
    assert told("active", "view_task", "view_task_arguments") == []
