"""Task types: what ran how often, how it went, how long it took, what it cost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.models import Task, TaskStats
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.sketch import bin_of
from django_celery_monitor.views import types as view
from tests.integration.made import HOST, a_task, client_of, root_client

pytestmark = pytest.mark.django_db
URL = "/monitor/types/"


def ran(label: str, hours: float = 0, *, seconds: float = 1, grain: str = "n", **own: int) -> None:
    """What storage counts for runs that ended so many hours ago, all equally long."""
    at = timezone.now() - timedelta(hours=hours)
    counts = {"succeeded": 1} | own
    number = sum(counts.values())
    micros = int(seconds * 1_000_000)
    starts: dict[str, datetime] = {"m": at.replace(second=0, microsecond=0)}
    starts["h"] = starts["m"].replace(minute=0)
    starts["d"] = starts["h"].replace(hour=0)
    for period, start in starts.items():
        row, _new = TaskStats.objects.get_or_create(
            period=period, grain=grain, start=start, label=label
        )
        for name, count in counts.items():
            setattr(row, name, getattr(row, name) + count)
        row.runtime_us += number * micros
        row.runtime_bins = f'{{"{bin_of(micros)}": {number}}}'
        row.wait_bins = f'{{"{bin_of(micros // 10)}": {number}}}'
        row.save()


def rows(client: Client, query: str = "") -> list[view.TypeRow]:
    found: list[view.TypeRow] = client.get(URL + query).context["rows"]
    return found


def labels(client: Client, query: str = "") -> list[str]:
    return [row.totals.label for row in rows(client, query)]


def page_of(name: str, query: str = "") -> str:
    return reverse("celery_monitor:type", args=[name]) + query


def test_a_type_has_its_figures() -> None:
    ran("shop.pay", 1, seconds=2, succeeded=6, failed=1, rejected=1, retried=2)
    [row] = rows(root_client())
    sums = row.totals
    assert (sums.ended, sums.failed, sums.retried, sums.succeeded) == (8, 2, 2, 0.75)
    assert sums.seconds == 20
    assert sums.runtimes == pytest.approx((2, 2, 2), rel=0.02)
    assert sums.waits == pytest.approx((0.2, 0.2, 0.2), rel=0.02)
    assert row.share == 1


@pytest.mark.parametrize(
    ("query", "ended"),
    [("?range=15m", 1), ("?range=1h", 2), ("", 3), ("?range=7d", 4), ("?range=30d", 5)],
)
def test_a_range_counts_just_what_ended_in_it(query: str, ended: int) -> None:
    for hours in (0.1, 0.8, 20, 100, 500):
        ran("shop.pay", hours)
    [row] = rows(root_client(), query)
    assert row.totals.ended == ended
    assert len(row.trend) <= 30
    assert sum(row.trend) <= ended


def test_the_trend_leaves_out_what_is_not_over_yet() -> None:
    for hours, number in ((0, 5), (1, 7), (2, 9), (20, 1)):
        ran("shop.pay", hours, succeeded=number)
    [row] = rows(root_client())
    assert row.trend[-2:] == [9, 7]
    assert sum(row.trend) == 17


def test_the_change_is_against_the_range_before_and_unknown_when_that_was_not_kept() -> None:
    ran("shop.pay", 0.2, succeeded=6)
    [row] = rows(root_client(), "?range=1h")
    assert row.totals.change is None
    ran("shop.pay", 1.5, succeeded=4)
    ran("shop.pay", 2.9)
    ran("shop.new", 0.2)
    changes = {row.totals.label: row.totals.change for row in rows(root_client(), "?range=1h")}
    assert changes == {"shop.pay": 0.5, "shop.new": None}
    assert "+50 %" in root_client().get(f"{URL}?range=1h").text


def test_what_costs_most_is_on_top_and_every_column_sorts_both_ways() -> None:
    ran("shop.cheap", 1, seconds=0.1, succeeded=50)
    ran("shop.dear", 1, seconds=60, succeeded=3)
    ran("shop.idle", 1, succeeded=0, revoked=0, retried=1)
    client = root_client()
    assert labels(client) == ["shop.dear", "shop.cheap", "shop.idle"]
    assert labels(client, "?sort=name")[0] == "shop.cheap"
    assert labels(client, "?sort=-runs")[0] == "shop.cheap"
    # What is not known comes last, both ways.
    assert labels(client, "?sort=succeeded")[-1] == "shop.idle"
    assert labels(client, "?sort=-succeeded")[-1] == "shop.idle"
    for key in view.KEYS:
        assert len(rows(client, f"?sort={key}")) == len(rows(client, f"?sort=-{key}")) == 3
    assert labels(client, "?sort=nonsense") == labels(client)
    response = client.get(f"{URL}?sort=-runs&range=6h")
    assert 'aria-sort="descending"><a href="/monitor/types/?sort=runs&amp;range=6h"' in (
        response.text
    )


def test_names_past_the_limit_are_one_row_without_a_page() -> None:
    ran(OTHER, 1)
    ran("", 1)
    response = root_client().get(URL)
    assert ">other<" in response.text
    assert ">not known<" in response.text
    assert OTHER not in response.text


def test_50_types_and_then_all() -> None:
    for number in range(55):
        ran(f"shop.task{number:02}", 1)
    client = root_client()
    assert len(rows(client)) == 50
    assert "55 types" in client.get(URL).text
    assert len(rows(client, "?rows=all")) == 55


def test_nothing_ran_says_what_to_do() -> None:
    assert "manage.py celerymonitor" in root_client().get(URL).text
    assert root_client().get(f"{URL}?range=9y").status_code == 400


def test_the_page_of_a_type_has_figures_errors_places_and_its_latest_runs() -> None:
    for state in ("succeeded", "failed", "failed"):
        a_task(state)
    a_task(name="shop.other")
    client = root_client()
    response = client.get(page_of("shop.ship"))
    assert response.context["totals"].ended == 3
    assert sum(bar.number for bar in response.context["runtimes"]) >= 1
    assert response.context["queues"] == [("mail", 3)]
    assert response.context["workers"] == [(HOST, 3)]
    assert len(response.context["rows"]) == 3
    [error] = response.context["errors"]
    assert (error.type, error.number) == ("CardDeclined", 2)
    assert len(client.get(error.url).context["rows"]) == 2
    assert len(client.get(response.context["failed_url"]).context["rows"]) == 2


def test_a_type_that_ran_before_the_range_has_its_page_and_no_guesses() -> None:
    a_task(ago=7200)
    response = root_client().get(page_of("shop.ship", "?range=15m"))
    assert response.status_code == 200
    assert "No run ended in this time" in response.text
    assert "nothing to compare with" in response.text


def test_an_unknown_type_is_explained() -> None:
    response = root_client().get(page_of("shop.nobody"))
    assert response.status_code == 404
    assert "No task of this type" in response.text


def test_arguments_and_workers_keep_their_own_rights() -> None:
    a_task()
    text = client_of("view_task").get(page_of("shop.ship")).text
    assert "dhl" not in text
    assert reverse("celery_monitor:worker", args=[HOST]) not in text
    assert "dhl" in client_of("view_task", "view_task_arguments").get(page_of("shop.ship")).text


class OnlyShip(AccessPolicy):
    def visible(self, user: Any, queryset: Any) -> Any:
        if queryset.model is TaskStats:
            return queryset.filter(grain="n", label="shop.ship")
        return queryset.filter(name="shop.ship") if queryset.model is Task else queryset


def test_a_policy_narrows_what_is_summed_up(settings: Settings) -> None:
    a_task(ago=600)
    a_task(ago=600, name="shop.secret")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OnlyShip"}
    assert labels(root_client()) == ["shop.ship"]
    assert "shop.secret" not in root_client().get(URL).text


def test_a_name_of_anything_has_a_page() -> None:
    name = "<b>/../?a=1&b%41 \u202e"
    a_task(name=name)
    response = root_client().get(page_of(name))
    assert response.status_code == 200
    assert "<b>/.." not in response.text


def test_more_types_cost_no_more_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        ran(f"shop.task{number}", 1)
    a_task()
    client = root_client()
    client.get(URL)
    with django_assert_max_num_queries(9):
        client.get(URL)
    client.get(page_of("shop.ship"))
    with django_assert_max_num_queries(18):
        client.get(page_of("shop.ship"))
