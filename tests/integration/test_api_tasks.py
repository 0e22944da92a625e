from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.api.answers import TaskOut, TaskPage
from django_celery_monitor.api.questions import FILTERS
from django_celery_monitor.filters import FIELDS
from django_celery_monitor.models import Task
from tests.integration.kept import T0, a_task, an_error
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

TASKS = "/monitor/api/v1/tasks"


@pytest.fixture
def client() -> Client:
    return signed_in(person("reader", "view_task", "view_task_arguments"))


@pytest.fixture
def outsider() -> Client:
    """May see tasks, but not what they carry."""
    return signed_in(person("outsider", "view_task"))


class OwnPolicy(AccessPolicy):
    """A project's own policy: mail is not for everybody, nor what invoices carry."""

    def can(self, user: Any, act: str, obj: object = None) -> bool:
        hidden = isinstance(obj, Task) and obj.name == "invoice"
        return super().can(user, act) and not (act == "view_task_arguments" and hidden)

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.exclude(name="mail") if queryset.model is Task else queryset


def a_full_task() -> Task:
    return a_task(
        "a-1",
        state="FAILURE",
        sent_at=T0,
        received_at=T0 + timedelta(seconds=1),
        started_at=T0 + timedelta(seconds=2),
        finished_at=T0 + timedelta(seconds=3.5),
        eta=T0,
        expires=T0 + timedelta(days=1),
        worker="w1@host",
        queue="celery",
        args="(1, 'žluť')",
        kwargs="{'a': <b>}",
        result="",
        exception="ValueError('no')",
        runtime=1.5,
        retries=2,
        root_id="a-0",
        parent_id="a-0",
    )


def pages(client: Client, **params: Any) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = ""
    while cursor is not None:
        found = client.get(TASKS, {**params, "cursor": cursor}).json()
        yield found["items"]
        cursor = found["next"]


def test_a_task_has_these_fields(client: Client) -> None:
    a_full_task()
    an_error("a-1", traceback="Traceback: an older one", retry=True)
    an_error("a-1", traceback="Traceback: no", time=T0 + timedelta(seconds=3))
    an_error("a-1", traceback="", time=T0 + timedelta(seconds=4), duplicate=True)
    expected = {
        "id": "a-1",
        "name": "shop.pay",
        "state": "FAILURE",
        "known_by": "worker",
        "running_again": False,
        "time": "2026-01-31T14:00:00Z",
        "sent_at": "2026-01-31T14:00:00Z",
        "received_at": "2026-01-31T14:00:01Z",
        "started_at": "2026-01-31T14:00:02Z",
        "finished_at": "2026-01-31T14:00:03.500000Z",
        "updated_at": "2026-01-31T14:00:00Z",
        "eta": "2026-01-31T14:00:00Z",
        "expires": "2026-02-01T14:00:00Z",
        "worker": "w1@host",
        "queue": "celery",
        "retries": 2,
        "runtime": 1.5,
        "args": "(1, 'žluť')",
        "kwargs": "{'a': <b>}",
        "result": None,
        "exception": "ValueError('no')",
        "traceback": "Traceback: no",
        "arguments_hidden": False,
        "root_id": "a-0",
        "parent_id": "a-0",
    }
    assert client.get(f"{TASKS}/a-1").json() == expected
    assert client.get(TASKS).json() == {
        "items": [expected],
        "next": None,
        "prev": None,
        "searched_since": None,
    }


def test_what_was_never_observed_is_null(client: Client) -> None:
    a_task("a-1", name="", state="PENDING")
    found = client.get(f"{TASKS}/a-1").json()
    known = {"id", "state", "known_by", "time", "updated_at"}
    false = {"running_again", "arguments_hidden"}
    assert {name for name, value in found.items() if value is not None} == {
        *known,
        *false,
        "retries",
    }


def test_without_the_right_to_arguments_they_are_hidden_and_said_to_be(outsider: Client) -> None:
    a_full_task()
    an_error("a-1", traceback="Traceback: secret")
    for found in (outsider.get(f"{TASKS}/a-1"), outsider.get(TASKS)):
        assert b"secret" not in found.content
    [item] = outsider.get(TASKS).json()["items"]
    payload = ("args", "kwargs", "result", "exception", "traceback")
    assert [item[name] for name in payload] == [None] * 5
    assert item["arguments_hidden"] is True
    assert item["worker"] == "w1@host"


def test_hidden_texts_do_not_even_leave_the_database(outsider: Client) -> None:
    a_full_task()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        outsider.get(TASKS)
    asked = " ".join(
        query["sql"] for query in queries if "django_celery_monitor_task" in query["sql"]
    )
    assert '"args"' not in asked
    assert "traceback" not in asked


def test_a_text_search_needs_the_right_to_the_text(client: Client, outsider: Client) -> None:
    a_task("a-1", search="(1, 'žluť')")
    a_task("a-2", search="(2,)")
    assert [each["id"] for each in client.get(TASKS, {"q": "ŽLU"}).json()["items"]] == ["a-1"]
    assert client.get(TASKS, {"args.0": "1"}).json()["items"] == []
    assert outsider.get(TASKS, {"-args.0": "1"}).status_code == 403
    refused = outsider.get(TASKS, {"q": "žlu"})
    assert refused.status_code == 403
    assert "django_celery_monitor.view_task_arguments" in refused.json()["detail"]


def test_a_policy_decides_row_by_row(client: Client, settings: Settings) -> None:
    a_task("a-1", args="(1,)")
    a_task("a-2", name="mail", args="(2,)")
    a_task("a-3", name="invoice", args="(3,)")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OwnPolicy"}
    items = client.get(TASKS).json()["items"]
    assert [(each["id"], each["args"], each["arguments_hidden"]) for each in items] == [
        ("a-3", None, True),
        ("a-1", "(1,)", False),
    ]
    assert client.get(f"{TASKS}/a-2").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=FAILURE", ["b"]),
        ("state=failed", ["b"]),
        ("state=failed&state=succeeded", ["b", "a"]),
        ("state=running", ["c"]),
        ("name=shop.*", ["c", "a"]),
        ("name=mail.send", ["b"]),
        ("worker=w1@host", ["a"]),
        ("queue=slow&name=shop.*", ["c"]),
        ("id=a", ["a"]),
        ("root=a", ["b", "a"]),
        ("parent=a", ["b"]),
        ("after=2026-01-31T14:01:00Z", ["c", "b"]),
        ("before=2026-01-31T14:01:00Z", ["a"]),
        ("state=", ["c", "b", "a"]),
    ],
)
def test_filters(client: Client, query: str, expected: list[str]) -> None:
    a_task("a", worker="w1@host", queue="celery")
    later = T0 + timedelta(minutes=1)
    a_task("b", name="mail.send", state="FAILURE", root_id="a", parent_id="a", time=later)
    a_task("c", state="PROGRESS", queue="slow", time=later)
    found = client.get(f"{TASKS}?{query}").json()["items"]
    assert [each["id"] for each in found] == expected


@pytest.mark.parametrize(
    "query",
    [
        "after=yesterday",
        "after=999999w",
        "name=a%00b",
        "cursor=nonsense",
        "cursor=bzB8YQBi",  # o0|a\0b
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=%D9%A3",
        "page=2",
        "stat=FAILURE",
        "args.first=1",
        "kwargs.=1",
    ],
)
def test_what_cannot_be_understood_is_said_so(client: Client, query: str) -> None:
    found = client.get(f"{TASKS}?{query}")
    assert found.status_code == 400
    assert found["Content-Type"] == "application/problem+json"
    problem = found.json()
    assert (problem["title"], problem["status"]) == ("Bad Request", 400)
    assert problem["detail"]


def test_every_filter_there_is_is_documented() -> None:
    assert list(FILTERS) == list(FIELDS)


@pytest.mark.parametrize(
    "task_id", ["a/b", "/a", "a//b/", "žluť ☃", "a?b#c", "a%2Fb", " ", "a\nb", "x" * 255]
)
def test_an_id_may_be_any_text(client: Client, task_id: str) -> None:
    a_task(task_id)
    found = client.get(f"{TASKS}/{quote(task_id, safe='')}")
    assert found.json()["id"] == task_id


@pytest.mark.parametrize("task_id", ["nothing", "a/b", "x" * 300])
def test_an_unknown_id(client: Client, task_id: str) -> None:
    found = client.get(f"{TASKS}/{task_id}")
    assert (found.status_code, found["Content-Type"]) == (404, "application/problem+json")


def test_an_id_that_no_database_holds(client: Client) -> None:
    assert client.get(f"{TASKS}/a%00b").status_code == 404


def test_a_page_is_as_long_as_asked(client: Client, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"PAGE_SIZE": 2}
    for number in range(5):
        a_task(f"a-{number}", time=T0 + timedelta(seconds=number))
    assert [len(items) for items in pages(client)] == [2, 2, 1]
    assert [len(items) for items in pages(client, limit=3)] == [3, 2]
    assert [len(items) for items in pages(client, limit=5)] == [5]


def test_a_thousand_tasks_are_each_met_once_while_others_arrive(client: Client) -> None:
    # Several of each time, so that the id has to decide.
    tasks = [
        Task(
            id=f"old-{number}",
            name="n",
            state="SUCCESS",
            known_by="worker",
            time=T0 + timedelta(seconds=number // 7),
            updated_at=T0,
        )
        for number in range(1000)
    ]
    Task.objects.bulk_create(tasks)
    met: list[str] = []
    for turn, items in enumerate(pages(client, limit=77)):
        met += [each["id"] for each in items]
        # New ones before, beside and behind the place that was read.
        a_task(f"new-{turn}-before", time=T0 + timedelta(days=1))
        a_task(f"new-{turn}-beside", time=T0 + timedelta(seconds=1000 // 7 - turn * 11))
        a_task(f"new-{turn}-behind", time=T0 - timedelta(days=1))
    old = [task_id for task_id in met if task_id.startswith("old-")]
    assert sorted(old) == sorted(task.id for task in tasks)
    assert len(met) == len(set(met))


def test_back_and_forth(client: Client) -> None:
    for number in range(6):
        a_task(f"a-{number}", time=T0 + timedelta(seconds=number))
    first = client.get(TASKS, {"limit": 2}).json()
    second = client.get(TASKS, {"limit": 2, "cursor": first["next"]}).json()
    third = client.get(TASKS, {"limit": 2, "cursor": second["next"]}).json()
    assert (first["prev"], third["next"]) == (None, None)
    back = client.get(TASKS, {"limit": 2, "cursor": third["prev"]}).json()
    assert back["items"] == second["items"]
    assert client.get(TASKS, {"limit": 2, "cursor": back["prev"]}).json()["items"] == first["items"]


def test_a_page_costs_the_same_few_queries_however_long_it_is(client: Client) -> None:
    costs = []
    for count in (1, 50):
        for number in range(count):
            a_task(f"{count}-{number}", exception="ValueError()")
            an_error(f"{count}-{number}", traceback="Traceback")
        with CaptureQueriesContext(connection) as queries:
            client.get(TASKS, {"limit": 1000})
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_answers_are_what_the_document_says(client: Client, outsider: Client) -> None:
    a_full_task()
    for reader in (client, outsider):
        TaskOut.model_validate_json(reader.get(f"{TASKS}/a-1").content, extra="forbid")
        TaskPage.model_validate_json(reader.get(TASKS).content, extra="forbid")


def test_the_documentation_shows_a_task_with_all_its_fields() -> None:
    reference = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
    blocks = re.findall(r"```json\n(\{\n.*?\n\})\n```", reference.read_text(), re.DOTALL)
    [shown] = [TaskOut.model_validate_json(block, extra="forbid") for block in blocks]
    assert shown.state == "FAILURE"


def test_a_superuser_sees_everything() -> None:
    a_full_task()
    root = signed_in(User.objects.create_superuser("root"))
    assert root.get(f"{TASKS}/a-1").json()["args"] == "(1, 'žluť')"
