"""The charts of a worker's heartbeats: load, tasks at once, tasks begun per minute."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.models import WorkerSample
from tests.integration.made import HOST, a_collector, a_worker, client_of, root_client

pytestmark = pytest.mark.django_db

PAGE = reverse("celery_monitor:worker", args=[HOST])
SERIES = reverse("celery_monitor:series")


@pytest.fixture(autouse=True)
def rows() -> None:
    a_collector(since=timedelta(days=20))
    a_worker()


def a_sample(ago: int, **figures: Any) -> datetime:
    """What was said in the minute that began so many minutes before this one."""
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=ago)
    WorkerSample.objects.create(worker=HOST, minute=minute, event_at=minute, **figures)
    return minute


def chart(measure: str, client: Client | None = None, **params: str) -> Any:
    params = {"range": "1h", "worker": HOST, "measure": measure} | params
    response = (client or root_client()).get(SERIES, params)
    assert response.status_code == 200
    return json.loads(response.content)


def known(data: Any, key: str = "mean") -> dict[int, float]:
    """By minutes before now, what is known."""
    [line] = [each for each in data["lines"] if each["key"] == key]
    now = timezone.now().timestamp() // 60 * 60
    pairs = zip(data["time"], line["values"], strict=True)
    return {int(now - time) // 60: value for time, value in pairs if value is not None}


def test_what_heartbeats_said_is_drawn_and_minutes_without_one_are_gaps() -> None:
    a_sample(9, active=3, load=0.5)
    a_sample(5, active=0, load=1.25)
    a_sample(4, active=None, load=None)
    assert known(chart("active")) == {9: 3, 5: 0}
    assert known(chart("load")) == {9: 0.5, 5: 1.25}
    assert chart("load")["kind"] == "levels"


def test_tasks_begun_are_what_a_counter_grew_by_between_two_heartbeats() -> None:
    for ago, processed in ((20, 100), (19, 160), (15, 180), (14, None), (13, 200)):
        a_sample(ago, processed=processed)
    # Sixty in a minute; twenty in four; of the two around the silent one nobody knows.
    assert known(chart("processed")) == {19: 60, 15: 5}


def test_a_worker_that_started_again_counts_from_nothing() -> None:
    for ago, processed in ((3, 5_000), (2, 5_040), (1, 12)):
        a_sample(ago, processed=processed)
    assert known(chart("processed")) == {2: 40, 1: 12}


def test_longer_steps_have_their_mean_and_their_highest() -> None:
    last = a_sample(61, active=1)
    for ago, active in ((62, 5), (63, 0)):
        a_sample(ago, active=active)
    data = chart("active", range="7d")
    found = {
        line["key"]: max(value for value in line["values"] if value is not None)
        for line in data["lines"]
    }
    assert found["max"] == 5
    # All in one hour, unless an hour ends between them.
    assert found["mean"] == 2 or last.minute < 2
    assert data["lines"][0]["whole"] == 5


def test_before_samples_are_kept_nothing_is_known_and_the_chart_says_why() -> None:
    a_sample(5, load=1)
    data = chart("load", range="30d")
    assert data["gaps"][0]["reason"] == "samples of workers are kept for 8 days"
    assert sum(value is not None for value in data["lines"][1]["values"]) == 1
    page = root_client().get(PAGE, {"range": "7d"})
    assert "samples of workers are kept" not in page.text


def test_the_page_draws_them_with_the_same_parts_as_every_chart() -> None:
    a_sample(5, active=2, processed=10, load=0.75)
    page = root_client().get(PAGE)
    for measure in ("active", "load", "processed"):
        assert f'data-chart="chart-{measure}"' in page.text
    assert "Begun per minute" in page.text
    assert "<td>0.75</td>" in page.text
    assert "It said nothing of this in this time." in page.text
    assert "measure=load&amp;worker=celery%40web-1" in page.text


def test_only_a_worker_has_them() -> None:
    response = root_client().get(SERIES, {"measure": "load", "queue": "mail"})
    assert response.status_code == 400
    assert "Only a worker has these" in response.text


def test_workers_need_their_own_right() -> None:
    asked = {"measure": "load", "worker": HOST}
    assert client_of("view_task").get(SERIES, asked).status_code == 403
    assert client_of("view_task", "view_worker").get(SERIES, asked).status_code == 200


class NoSamples(AccessPolicy):
    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.none() if queryset.model is WorkerSample else queryset


def test_a_policy_narrows_them(settings: Settings) -> None:
    a_sample(5, load=1)
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.NoSamples"}
    assert known(chart("load")) == {}


def test_three_charts_are_one_query(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    client = root_client()
    for ago in range(90):
        a_sample(ago, active=1, processed=90 - ago, load=1)
    client.get(PAGE)
    with django_assert_max_num_queries(30) as queries:
        client.get(PAGE, {"range": "1h"})
    read = [each["sql"] for each in queries if "workersample" in each["sql"]]
    assert len(read) == 1
