"""The workers, and the page of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from django_celery_monitor.workers import worker_list
from tests.integration.made import HOST, a_collector, a_task, a_worker, root_client, superuser
from tests.integration.told import answered

pytestmark = pytest.mark.django_db


def health_of(**worker: Any) -> str:
    a_worker(**worker)
    [view] = worker_list(superuser(), timezone.now())
    return view.health


def test_health_is_judged_by_silence_and_by_who_was_listening() -> None:
    a_collector()
    assert health_of(silent=1) == "online"
    assert health_of(silent=20) == "late"
    assert health_of(silent=50) == "lost"
    assert health_of(silent=5000, freq=None) == "unknown"
    assert health_of(silent=50, offline_at=timezone.now() - timedelta(seconds=49)) == "offline"


def test_a_worker_that_came_back_after_its_good_bye_is_online() -> None:
    a_collector()
    assert health_of(silent=1, offline_at=timezone.now() - timedelta(seconds=9)) == "online"


def test_without_a_collector_silence_says_nothing() -> None:
    assert health_of(silent=500) == "unknown"
    response = root_client().get(reverse("celery_monitor:workers"))
    assert "No collector is listening" in response.text


def test_a_collector_that_just_started_does_not_call_workers_lost() -> None:
    a_collector(since=timedelta(seconds=2))
    assert health_of(silent=500) == "unknown"


def test_the_list_says_what_each_worker_does_and_why_it_is_judged_so() -> None:
    a_collector()
    a_worker("celery@dead", silent=90)
    a_task()
    a_worker(sw_ident="py-celery", sw_ver="5.7.0")
    text = root_client().get(reverse("celery_monitor:workers")).text
    assert "5.7.0" in text
    assert "1,234" in text
    assert "Silent for 1 min 30 s; its heartbeat should come every 2 s." in text
    assert "Lost" in text


def test_a_worker_without_heartbeats_or_load_has_dashes() -> None:
    a_worker(freq=None, active=None, processed=None, loadavg=[], online_at=None)
    for name, arguments in (("workers", None), ("worker", [HOST])):
        response = root_client().get(reverse(f"celery_monitor:{name}", args=arguments))
        assert response.status_code == 200
        assert "It sends no heartbeats" in response.text
        assert "–" in response.text


def test_the_rate_is_what_finished_in_the_last_minutes() -> None:
    for second in range(10):
        a_task(ago=second + 2)
    a_worker()
    [view] = worker_list(superuser(), timezone.now())
    assert 10 / 6 <= view.per_minute <= 10 / 5


def test_the_page_of_a_worker_has_its_tasks_and_its_chart() -> None:
    a_collector()
    a_worker()
    mine = a_task()
    client, url = root_client(), reverse("celery_monitor:worker", args=[HOST])
    response = client.get(url, {"tab": "tasks"})
    assert [row.task.id for row in response.context["rows"]] == [mine]
    response = client.get(url)
    [succeeded, *_others] = response.context["charts"].throughput.lines
    assert succeeded.whole == sum(succeeded.values) == 1
    assert 'id="chart-throughput" type="application/json"' in response.text


def test_an_unknown_worker_is_explained() -> None:
    response = root_client().get(reverse("celery_monitor:worker", args=["celery@nobody"]))
    assert response.status_code == 404
    assert "No worker of this name has been seen" in response.text


def names(url: str) -> list[str]:
    fleet = root_client().get(url).context["fleet"]
    return [row.view.worker.hostname for row in fleet.rows]


def test_trouble_comes_first() -> None:
    a_collector()
    a_worker("celery@a")
    a_worker("celery@b", clock_offset=40.0)
    a_worker("celery@c", silent=15)
    a_worker("celery@d", silent=90)
    a_worker("celery@e", offline_at=timezone.now())
    expected = [f"celery@{each}" for each in "dcbae"]
    assert names("/monitor/workers/") == expected


def test_workers_are_found_by_name_queue_pool_and_version() -> None:
    a_collector()
    a_worker("celery@a", sw_ver="5.4.0")
    a_worker("celery@b", sw_ver="5.7.0")
    answered("celery@b")
    assert names("/monitor/workers/?q=CELERY@A") == ["celery@a"]
    assert names("/monitor/workers/?q=5.7") == ["celery@b"]
    assert names("/monitor/workers/?q=mail") == ["celery@b"]
    assert names("/monitor/workers/?q=prefork&health=online") == ["celery@b"]
    assert names("/monitor/workers/?health=lost") == []
    assert len(names("/monitor/workers/?health=nonsense")) == 2
    text = root_client().get("/monitor/workers/?q=nobody").text
    assert "No worker is like that" in text


def test_the_table_says_how_busy_each_is_and_what_fails() -> None:
    a_collector()
    a_worker(active=3)
    a_task("failed")
    a_task()
    answered()
    text = root_client().get("/monitor/workers/").text
    assert "3 <span" in text
    assert "of 4" in text
    assert "50.0 %" in text
    assert 'width="36.0"' in text


def test_no_workers_yet_says_what_to_do() -> None:
    assert "celery -A your_project worker" in root_client().get("/monitor/workers/").text


def test_past_the_limit_the_longest_silent_are_left_out() -> None:
    a_worker("celery@old", silent=99)
    a_worker("celery@b", silent=2)
    a_worker("celery@a", silent=1)
    views = worker_list(superuser(), timezone.now(), limit=2)
    assert [view.worker.hostname for view in views] == ["celery@a", "celery@b"]


def test_more_workers_cost_no_more_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        a_worker(f"celery@{number}")
    client = root_client()
    client.get("/monitor/workers/")
    with django_assert_max_num_queries(8):
        client.get("/monitor/workers/")
    client.get("/monitor/workers/celery@1/")
    with django_assert_max_num_queries(17):
        client.get("/monitor/workers/celery@1/")
