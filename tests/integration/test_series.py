"""The numbers of charts: what they add up to, what they say of gaps, who may have them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.models import Gap, TaskStats
from django_celery_monitor.reading.series import GRAINS, QUANTILES, Line, Reading
from django_celery_monitor.reading.series_window import window_of
from django_celery_monitor.state.contributions import OTHER
from tests.integration.made import (
    HOST,
    a_collector,
    a_task,
    a_worker,
    client_of,
    root_client,
    superuser,
)

pytestmark = pytest.mark.django_db
URL = "/monitor/series/"


def read(now: datetime | None = None, **params: str) -> Reading:
    at = now or timezone.now()
    return Reading(superuser(), window_of(params, at), at)


def count(start: datetime, label: str, grain: str = "n", period: str = "m", **columns: Any) -> None:
    TaskStats.objects.create(period=period, grain=grain, start=start, label=label, **columns)


def minute(ago: int) -> datetime:
    return timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=ago)


def get(client: Client | None = None, **params: str) -> Any:
    return (client or root_client()).get(URL, params)


def _whole(lines: list[Line]) -> float:
    return sum(line.whole or 0 for line in lines)


@tries(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 59),
            st.sampled_from([OTHER, "", *(f"shop.kind{number}" for number in range(12))]),
            *(st.integers(0, 50) for _column in range(5)),
        ),
        unique_by=lambda row: row[:2],
        max_size=40,
    )
)
def test_every_grouping_adds_up_to_the_total_and_the_top_with_the_rest_is_all(
    rows: list[tuple[int, str, int, int, int, int, int]],
) -> None:
    TaskStats.objects.all().delete()
    columns = ("succeeded", "retried", "failed", "rejected", "revoked")
    now = timezone.now()
    for ago, label, *numbers in rows:
        for grain in GRAINS.values():
            start = now.replace(second=0, microsecond=0) - timedelta(minutes=ago)
            numbered: dict[str, Any] = dict(zip(columns, numbers, strict=True))
            count(start, label, grain, **numbered)
    reading = read(now)
    total = sum(sum(row[2:]) for row in rows)
    assert _whole(reading.lines("throughput")) == total
    for group in GRAINS:
        lines = reading.lines("throughput", group)
        assert len(lines) <= 8
        assert _whole(lines) == total
        for step in range(60):
            by_state = [line.values[step] or 0 for line in reading.lines("throughput")]
            assert sum(line.values[step] or 0 for line in lines) == sum(by_state)
        assert _whole(reading.lines("failures", group)) == sum(row[4] + row[5] for row in rows)
    ranked = [line.whole for line in reading.lines("throughput", "name") if not line.key]
    assert ranked == sorted(ranked, key=lambda value: -(value or 0))


def test_a_total_that_is_newer_than_what_is_remembered_makes_no_rest() -> None:
    count(minute(5), "mail", "q", succeeded=3)
    reading = read()
    assert reading.labels(GRAINS["queue"], ["mail", OTHER])
    count(minute(4), "mail", "q", succeeded=2)
    assert [line.label for line in reading.lines("throughput", "queue")] == ["mail"]


def test_percentiles_are_of_run_time_and_of_waiting_and_each_at_least_the_one_before() -> None:
    a_collector()
    for second in range(20):
        a_task(ago=10 + second)
    for measure, about in (("runtime", 0.5), ("wait", 0.2)):
        lines = read().lines(measure)
        assert [line.key for line in lines] == list(QUANTILES)
        wholes = [line.whole or 0 for line in lines]
        assert wholes == sorted(wholes)
        assert wholes[0] == pytest.approx(about, rel=0.05)
        [of_queue] = read().lines(measure, "queue")
        assert (of_queue.label, of_queue.whole) == ("mail", lines[2].whole)


def test_what_was_not_recorded_is_no_zero() -> None:
    a_collector(since=timedelta(minutes=40))
    count(minute(30), "mail", "q", succeeded=3)
    Gap.objects.create(
        started_at=minute(20), ended_at=minute(15), reason=Gap.Reason.AWAY, transport="redis"
    )
    reading = read()
    [values, *_others] = [line.values for line in reading.lines("throughput")]
    assert values[59 - 50] is None
    assert values[59 - 35] == 0
    assert values[59 - 30] == 3
    assert [values[59 - ago] for ago in (21, 20, 16, 15, 14)] == [0, None, None, 0, 0]
    assert [hole.reason for hole in reading.holes] == [
        "nothing was recorded yet",
        "no collector was listening",
    ]


def test_what_was_counted_in_spite_of_a_gap_is_shown() -> None:
    a_collector()
    count(minute(18), "mail", "q", failed=2)
    Gap.objects.create(
        started_at=minute(20), ended_at=minute(15), reason=Gap.Reason.AWAY, transport="redis"
    )
    failed = read().lines("throughput")[2]
    assert (failed.values[59 - 18], failed.values[59 - 17]) == (2, None)
    assert "*</span>" in root_client().get(reverse("celery_monitor:overview")).text


def test_since_the_collector_stopped_nothing_is_known() -> None:
    a_collector(at=timezone.now() - timedelta(minutes=10), since=timedelta(hours=2))
    reading = read()
    assert [hole.reason for hole in reading.holes] == ["no collector is listening"]
    values = reading.lines("throughput")[0].values
    assert values[0] == 0
    assert values[-9:] == (None,) * 9


def test_the_page_and_the_endpoint_say_the_same() -> None:
    a_collector()
    a_task("failed", ago=90)
    client = root_client()
    page = client.get(reverse("celery_monitor:overview"), {"group": "queue"})
    chart = page.context["charts"].wait
    answer = client.get(chart.json_url)
    assert answer.json() == json.loads(json.dumps(chart.data))
    assert answer["Content-Type"] == "application/json"
    [line] = answer.json()["lines"]
    assert line["list"] == "/monitor/tasks/?queue=mail"


def test_the_endpoint_answers_304_to_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not across the edge of a tick.
    monkeypatch.setattr("django_celery_monitor.views.page.TICK", 10**6)
    client = root_client()
    first = get(client)
    again = client.get(URL, headers={"if-none-match": first["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert client.get(URL + "?range=6h")["ETag"] != first["ETag"]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"measure": "cost"}, "cost is not a measure: use throughput, failures"),
        ({"range": "5y"}, "5y is not a range"),
        ({"group": "colour"}, "colour is not a group: use name, queue, worker"),
        ({"percentile": "p12"}, "p12 is not a percentile"),
        ({"from": "soon"}, "soon is not a time"),
        ({"states": "failed"}, "states is not known here"),
        ({"queue": "mail", "group": "name"}, "one queue cannot be split by type"),
        ({"queue": "mail", "worker": "w1"}, "one queue cannot be split by worker"),
    ],
)
def test_a_bad_question_is_refused_with_a_reason(params: dict[str, str], reason: str) -> None:
    answer = get(None, **params)
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]


def test_a_page_refuses_it_too_and_says_what_it_cannot_split() -> None:
    client = root_client()
    assert client.get("/monitor/?range=5y").status_code == 400
    a_task()
    a_worker()
    page = client.get(reverse("celery_monitor:worker", args=[HOST]), {"group": "queue"})
    assert page.status_code == 200
    assert "what belongs to one worker cannot be split by queue" in page.text


def test_workers_need_their_own_right() -> None:
    client = client_of("view_task")
    assert get(client).status_code == 200
    for params in ({"group": "worker"}, {"worker": "celery@web-1"}):
        answer = get(client, **params)
        assert answer.status_code == 403
        assert "view_worker" in answer.json()["detail"]
    page = client.get(reverse("celery_monitor:overview"))
    assert "group=worker" not in page.text


def test_who_may_not_list_tasks_gets_no_ways_to_lists() -> None:
    a_task()
    a_worker()
    page = client_of("view_worker").get(reverse("celery_monitor:worker", args=[HOST]))
    data = page.context["charts"].throughput.data
    assert {data["list"], *(line["list"] for line in data["lines"])} == {None}


class MailOnly(AccessPolicy):
    def visible(self, user: Any, queryset: Any) -> Any:
        if queryset.model is TaskStats:
            return queryset.filter(grain="n", label__startswith="shop.mail.")
        return queryset


def test_a_policy_that_narrows_counts_narrows_charts(settings: Settings) -> None:
    a_collector()
    a_task(name="shop.mail.send", queue="mail")
    a_task(name="shop.bank.pay", queue="bank")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": "tests.integration.test_series.MailOnly"}
    reading = read()
    assert _whole(reading.lines("throughput")) == 1
    assert [line.label for line in reading.lines("throughput", "name")] == ["shop.mail.send"]
    answer = get(group="queue").content
    assert b"bank" not in answer


def test_history_and_labels_cost_no_more_queries_and_no_more_rows(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    a_collector()
    day = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    TaskStats.objects.bulk_create(
        TaskStats(period=period, grain=grain, start=start, label=f"label{number}", succeeded=1)
        for grain in "nq"
        for number in range(120)
        for period, start in [
            ("d", day),
            *(("m", minute(ago)) for ago in range(0, 300, 10)),
        ]
    )
    client = root_client()
    get(client)
    for params in ({}, {"range": "24h"}, {"group": "name"}, {"measure": "wait", "group": "name"}):
        with django_assert_max_num_queries(10):
            answer = get(client, **params)
        assert len(answer.json()["lines"]) <= 8
    # A day of minutes of so many queues is too much, so hours are shown.
    assert get(client, range="24h").json()["step"] == 3600
