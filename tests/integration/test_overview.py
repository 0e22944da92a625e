"""The figures of the overview."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.models import Gap
from django_celery_monitor.overview import Overview, overview
from django_celery_monitor.reading import remember
from django_celery_monitor.templatetags.celery_monitor import at as written
from tests.integration.made import (
    a_collector,
    a_task,
    a_worker,
    client_of,
    event,
    failed,
    now,
    received,
    root_client,
    sent,
    store,
    superuser,
)

pytestmark = pytest.mark.django_db


def look() -> Overview:
    return overview(timezone.now(), superuser())


def test_nothing_is_zero_and_not_an_error() -> None:
    seen = look()
    assert (seen.waiting, seen.running, seen.retrying) == (0, 0, 0)
    assert seen.oldest_waiting is None
    assert seen.finished_per_minute == 0
    assert seen.failed_share == 0
    assert len(seen.minutes) == 60
    assert seen.last_hour.p50 is None
    assert seen.collector.on is False
    assert root_client().get(reverse("celery_monitor:overview")).status_code == 200


def test_what_waits_and_what_runs_is_counted_by_state_now() -> None:
    oldest = str(uuid4())
    store(sent(oldest, now() - 500, queue="partners"))
    a_task("received", ago=3)
    running = str(uuid4())
    store(received(running, now()), event("started", running, now()))
    retrying = str(uuid4())
    store(received(retrying, now()), failed(retrying, now(), "retried"))
    seen = look()
    assert (seen.waiting, seen.running, seen.retrying) == (2, 1, 1)
    assert seen.oldest_waiting is not None
    assert (seen.oldest_waiting.id, seen.oldest_waiting.queue) == (oldest, "partners")


def test_the_last_hour_counts_what_ended_in_it() -> None:
    for second in range(6):
        a_task(ago=10 + second)
    a_task("failed", ago=1800)
    a_task("failed", ago=3 * 3600)
    seen = look()
    assert (seen.last_hour.succeeded, seen.last_hour.failed) == (6, 1)
    assert seen.last_hour.finished == 7
    assert seen.failed_share == pytest.approx(1 / 7)
    assert 6 / 6 <= seen.finished_per_minute <= 6 / 5
    assert seen.last_hour.p50 == pytest.approx(0.5, rel=0.03)


def test_the_minutes_are_a_whole_hour_with_its_gaps_and_end_now() -> None:
    a_task(ago=600)
    minutes = look().minutes
    assert minutes[-1].start == timezone.now().replace(second=0, microsecond=0)
    assert {b.start - a.start for a, b in pairwise(minutes)} == {timedelta(minutes=1)}
    assert [minute.succeeded for minute in minutes if minute.succeeded] == [1]


def test_a_chain_of_running_tasks_has_a_mean_number_of_them() -> None:
    uuid, at = str(uuid4()), now() - 5
    store(
        received(uuid, at - 120),
        event("started", uuid, at - 90),
        event("succeeded", uuid, at, runtime=90.0),
    )
    assert sum(minute.running for minute in look().minutes) == pytest.approx(1.5)


def test_failures_are_the_latest_first_and_retries_are_none() -> None:
    older, newer = a_task("failed", ago=60), a_task("failed", ago=5)
    retried = str(uuid4())
    store(received(retried, now()), failed(retried, now(), "retried"))
    assert [error.task_id for error in look().latest_failures] == [newer, older]


def test_workers_are_counted_by_health_for_who_may_see_them() -> None:
    a_collector()
    a_worker("celery@a", silent=1)
    a_worker("celery@b", silent=20)
    a_worker("celery@c", silent=90)
    seen = look()
    assert (seen.workers_online, seen.workers_late, seen.workers_lost) == (1, 1, 1)
    page = client_of("view_task").get(reverse("celery_monitor:overview"))
    assert page.context["overview"].workers is None
    assert "celery@a" not in page.text


def test_the_chart_s_numbers_are_in_the_page_also_as_a_table() -> None:
    a_task(ago=90)
    response = root_client().get(reverse("celery_monitor:overview"))
    [succeeded, *_others] = response.context["charts"].throughput.lines
    assert succeeded.whole == 1
    assert "<caption>Throughput. Each row is 1 min" in response.text


def test_the_lag_of_the_collector_is_shown() -> None:
    a_collector()
    seen = look()
    assert (seen.collector.on, seen.collector.lag) == (True, 0.25)
    assert "250 ms" in root_client().get(reverse("celery_monitor:overview")).text


def test_gaps_of_the_last_day_are_told() -> None:
    at = timezone.now()
    for hours, reason in ((30, Gap.Reason.OVERFLOW), (2, Gap.Reason.AWAY)):
        ended = at - timedelta(hours=hours)
        Gap.objects.create(
            started_at=ended - timedelta(minutes=7),
            ended_at=ended,
            reason=reason,
            transport="redis",
        )
    [gap] = look().gaps
    text = root_client().get(reverse("celery_monitor:overview")).text
    start, end = (written(each) for each in (gap.started_at, gap.ended_at))
    told = f"Events between {start} and {end} may be missing: no collector was listening."
    assert told in text
    assert "2 h ago" in text
    assert text.count("may be missing") == 1


def test_more_tasks_cost_no_more_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    a_collector()
    for number in range(20):
        a_task("failed", name=f"shop.kind{number}")
        a_worker(f"celery@{number}")
    client = root_client()
    url = reverse("celery_monitor:overview")
    client.get(url)
    # Session, user, revision, collector, counts, minutes, oldest of two states, failures,
    # workers, rates, gaps; for charts labels, counts, gaps, first run, top types and their counts,
    # what waits in two states, what came and what ended, kinds of errors.
    with django_assert_max_num_queries(25):
        assert client.get(url).status_code == 200


def test_what_is_dear_to_count_is_counted_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    monkeypatch.setattr(remember, "CHEAP", 0)
    monkeypatch.setattr(remember, "PRICE", 10**6)
    first = remember.remembered("counted", lambda: 1)
    assert remember.remembered("counted", lambda: 2) == first
    cache.clear()
    assert remember.remembered("counted", lambda: 3)[0] == 3
