from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from django_celery_monitor.api.answers import OverviewOut
from django_celery_monitor.models import Gap, TaskCount
from tests.integration.kept import EPOCH, a_collector, a_task, a_worker, an_error
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

OVERVIEW = "/monitor/api/v1/overview"


@pytest.fixture(autouse=True)
def rows(db: None) -> None:
    now = timezone.now()
    a_collector()
    a_worker("w1@host")
    a_task("a-1", state="PENDING", time=now)
    for state, count in (("PENDING", 1), ("STARTED", 3)):
        TaskCount.objects.create(period="e", start=EPOCH, name="shop.pay", state=state, count=count)
    an_error("a-2", name="shop.pay", type="ValueError", message="the secret", time=now)


def read(*codenames: str) -> Client:
    return signed_in(person("reader", *codenames))


def test_what_matters_now() -> None:
    found = read("view_task", "view_task_arguments", "view_worker").get(OVERVIEW).json()
    assert (found["waiting"], found["running"], found["retrying"]) == (1, 3, 0)
    assert found["oldest_waiting"]["id"] == "a-1"
    assert len(found["minutes"]) == 60
    assert [each["message"] for each in found["latest_failures"]] == ["the secret"]
    assert found["arguments_hidden"] is False
    assert found["workers"] == {"online": 1, "late": 0, "lost": 0}
    assert found["collector"]["listening"] is True


def test_gaps_are_told() -> None:
    now = timezone.now()
    start, end = now - timedelta(minutes=9), now - timedelta(minutes=2)
    Gap.objects.create(started_at=start, ended_at=end, reason="queue gone", transport="amqp")
    [gap] = read("view_task").get(OVERVIEW).json()["gaps"]
    assert gap["reason"] == "queue gone"
    assert datetime.fromisoformat(gap["end"]) == end


def test_who_may_see_tasks_only_learns_nothing_of_workers_and_texts() -> None:
    answer = read("view_task").get(OVERVIEW)
    found = answer.json()
    assert b"the secret" not in answer.content
    assert [(each["type"], each["message"]) for each in found["latest_failures"]] == [
        ("ValueError", None)
    ]
    assert (found["arguments_hidden"], found["workers"]) == (True, None)


def test_answers_are_what_the_document_says() -> None:
    client = read("view_task", "view_worker")
    OverviewOut.model_validate_json(client.get(OVERVIEW).content, extra="forbid")
