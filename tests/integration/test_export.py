"""Lists as files."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.models import Task
from tests.integration.kept import T0, a_task
from tests.integration.made import client_of, root_client

pytestmark = pytest.mark.django_db


def exported(client: Client, **params: Any) -> str:
    response: Any = client.get(reverse("celery_monitor:export"), params)
    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    return b"".join(response.streaming_content).decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_the_filters_find_is_in_the_file() -> None:
    a_task("a", state="FAILURE", kwargs="{'a': 1}", exception="KeyError('x')", runtime=1.5)
    a_task("b")
    client = root_client()
    [row] = rows(exported(client, state="failed"))
    assert (row["id"], row["state"], row["runtime"]) == ("a", "FAILURE", "1.5")
    assert (row["kwargs"], row["time"]) == ("{'a': 1}", "2026-01-31T14:00:00Z")
    found = json.loads(exported(client, format="json", id=["a", "b"]))
    assert (sorted(each["id"] for each in found["tasks"]), found["cut"]) == (["a", "b"], None)


def test_without_the_right_no_arguments_leave() -> None:
    a_task("a", kwargs="secret", search="secret")
    client = client_of("view_task")
    assert "secret" not in exported(client)
    assert "kwargs" not in exported(client, format="json")
    refused = client.get(reverse("celery_monitor:export"), {"q": "secret"})
    assert refused.status_code == 403
    refused = client.get(reverse("celery_monitor:export"), {"kwargs.a": "secret"})
    assert refused.status_code == 403


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begin: str) -> None:
    text = f"{begin}1+cmd|' /C calc'!A0"
    a_task("a", name=text, args=text, retries=-1)
    [row] = rows(exported(root_client()))
    assert row["name"] == row["args"] == f"'{text}"
    assert row["retries"] == "-1"


def test_a_file_that_is_cut_says_so(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"EXPORT_MAX": 3}
    for number in range(4):
        a_task(f"a{number}")
    client = root_client()
    found = rows(exported(client))
    assert [row["id"] for row in found] == ["a3", "a2", "a1", "# cut after 3 tasks, the newest"]
    assert "cut after 3" in json.loads(exported(client, format="json"))["cut"]
    Task.objects.filter(pk="a0").delete()
    assert len(rows(exported(client))) == 3


def test_a_search_that_finds_little_stops_somewhere(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 1}
    monkeypatch.setattr("django_celery_monitor.views.export.WINDOWS", 3)
    for number in range(9):
        a_task(f"a{number}", time=T0 + timedelta(seconds=number))
    found = json.loads(exported(root_client(), format="json", q="nothing"))
    assert found["tasks"] == []
    assert "searched back to 2026-01-31T14:00:06Z" in found["cut"]


@pytest.mark.parametrize("params", [{"format": "xls"}, {"after": "soon"}])
def test_what_cannot_be_understood_is_refused(params: dict[str, str]) -> None:
    assert root_client().get(reverse("celery_monitor:export"), params).status_code == 400
