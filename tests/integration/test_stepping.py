"""On a task's page: older and newer of the list where it was found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.integration.kept import T0, a_task
from tests.integration.made import client_of, root_client

pytestmark = pytest.mark.django_db
TASKS = "/monitor/tasks/"


def keep(**names: str) -> None:
    for seconds, (task_id, state) in enumerate(names.items()):
        time = T0 + timedelta(seconds=seconds)
        a_task(task_id, state=state, time=time, kwargs="{'n': 1}", search="{'n': 1}")


def steps_of(task_id: str, client: Client, **params: str) -> Any:
    url = reverse("celery_monitor:task", args=[task_id])
    response = client.get(f"{url}?{urlencode(params)}" if params else url)
    assert response.status_code == 200
    return response.context["steps"]


def test_older_and_newer_walk_the_list_that_one_came_from() -> None:
    keep(a="FAILURE", b="SUCCESS", c="FAILURE", d="SUCCESS", e="FAILURE")
    client = root_client()
    listed = client.get(f"{TASKS}?state=failed&column=state&cursor=")
    assert f'href="{TASKS}c/?from=state%3Dfailed"' in listed.text
    found = steps_of("c", client, **{"from": "state=failed"})
    assert (found.newer, found.older) == (
        f"{TASKS}e/?from=state%3Dfailed",
        f"{TASKS}a/?from=state%3Dfailed",
    )
    assert (found.list_url, found.filters) == (f"{TASKS}?state=failed", "state:failed")
    assert not steps_of("e", client, **{"from": "state=failed"}).newer
    assert not steps_of("a", client, **{"from": "state=failed"}).older
    # Its state changed meanwhile: its place in the list is where it was.
    assert steps_of("b", client, **{"from": "state=failed"}).older.startswith(f"{TASKS}a/")


def test_the_list_of_all_tasks_is_one_too() -> None:
    keep(a="FAILURE", b="SUCCESS")
    found = steps_of("b", root_client(), **{"from": ""})
    assert (found.newer, found.older) == ("", f"{TASKS}a/?from=")
    assert steps_of("b", root_client()) is None


@pytest.mark.parametrize(
    "came_from",
    [
        "after=soon",
        "name=" + "x" * 2000,
        "&".join(f"x{n}=1" for n in range(2000))[:2000],
        "args.x=1",
    ],
)
def test_where_nobody_can_have_come_from_is_ignored(came_from: str) -> None:
    keep(a="FAILURE")
    found = steps_of("a", root_client(), **{"from": came_from})
    assert found is None or found.filters == ""


@pytest.mark.parametrize("address", ["https://evil.test/", "//evil.test", "javascript:alert(1)"])
def test_it_is_a_filter_and_never_an_address(address: str) -> None:
    keep(a="FAILURE", b="FAILURE")
    found = steps_of("a", root_client(), **{"from": address})
    assert (found.list_url, found.newer) == (TASKS, f"{TASKS}b/?from=")


def test_neighbours_tell_nothing_of_arguments_to_who_may_not_see_them() -> None:
    keep(a="FAILURE", b="FAILURE")
    private = {"from": "kwargs.n=1"}
    assert steps_of("a", client_of("view_task", "view_task_arguments"), **private).newer
    assert steps_of("a", client_of("view_task"), **private) is None


def test_a_step_costs_a_few_queries_with_a_limit() -> None:
    keep(**{f"a{number}": "FAILURE" for number in range(20)})
    client = root_client()
    with CaptureQueriesContext(
        connection,
    ) as without:
        steps_of("a9", client)
    with CaptureQueriesContext(connection) as queries:
        steps_of("a9", client, **{"from": "state=failed&runtime=>1s"})
    extra = len(queries) - len(without)
    assert extra <= 8
