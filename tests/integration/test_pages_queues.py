"""Queues as far as rows know them: what waits, what comes, what goes, and who reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.models import Gap, Inspection, Task
from django_celery_monitor.reading import growth
from django_celery_monitor.reading import queues as reading
from django_celery_monitor.reading.growth import Flow
from django_celery_monitor.views.queues import QueueRow
from tests.integration import kept
from tests.integration.made import (
    HOST,
    a_collector,
    a_task,
    a_worker,
    client_of,
    now,
    root_client,
    sent,
    store,
)
from tests.integration.told import answered

pytestmark = pytest.mark.django_db
URL = "/monitor/queues/"


def put(queue: str = "mail", ago: float = 5, **own: Any) -> str:
    """The id of a task that was sent so many seconds ago, and that nobody has received."""
    uuid = str(uuid4())
    store(sent(uuid, now() - ago, queue=queue, **own))
    return uuid


def rows(client: Client, query: str = "") -> dict[str, QueueRow]:
    return {row.label: row for row in client.get(URL + query).context["rows"]}


def page_of(name: str, query: str = "") -> str:
    return reverse("celery_monitor:queue", args=[name]) + query


def test_a_queue_has_what_waits_and_what_runs() -> None:
    oldest = put(ago=300)
    put()
    a_task("received", ago=20, queue="mail")
    kept.a_task("running", state="STARTED", queue="mail", time=timezone.now())
    kept.a_task("halfway", state="HALFWAY", queue="mail", time=timezone.now())
    kept.a_task("retrying", state="RETRY", queue="other", time=timezone.now())
    found = rows(root_client())
    mail = found["mail"].now
    assert (mail.waiting, mail.running, mail.retrying) == (3, 2, 0)
    assert mail.oldest
    assert mail.oldest[0] == oldest
    assert found["other"].now.retrying == 1
    response = root_client().get(URL)
    assert reverse("celery_monitor:task", args=[oldest]) in response.text
    waiting = root_client().get("/monitor/tasks/?state=waiting&queue=mail")
    assert len(waiting.context["rows"]) == 3


def test_what_waits_for_its_time_is_not_late() -> None:
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    put(ago=600, eta=later)
    found = rows(root_client())["mail"]
    assert (found.now.waiting, found.now.scheduled, found.now.oldest) == (0, 1, None)
    assert not found.unread


def test_a_queue_that_nobody_reads_is_told_apart() -> None:
    a_collector()
    put("partners", ago=600)
    put("mail", ago=600)
    a_task(ago=30, queue="mail")
    put("young", ago=2)
    found = rows(root_client())
    assert [label for label, row in found.items() if row.unread] == ["partners"]
    assert found["partners"].kind == "lost"
    response = root_client().get(page_of("partners"))
    assert "Nobody reads" in response.text
    assert "-Q partners" in response.text


def test_without_a_collector_nobody_can_say_that_nobody_reads() -> None:
    put("partners", ago=600)
    assert not rows(root_client())["partners"].unread


def test_a_worker_that_said_it_reads_the_queue_reads_it() -> None:
    a_collector()
    put("partners", ago=600)
    Inspection.objects.create(hostname=HOST, queues=["partners", "mail"])
    Inspection.objects.create(hostname="celery@gone", queues=["mail"], silent_since=timezone.now())
    found = rows(root_client())["partners"]
    assert (found.unread, found.consumers) == (False, [HOST])
    text = root_client().get(page_of("partners")).text
    assert reverse("celery_monitor:worker", args=[HOST]) in text
    # Who may not see workers is not told of them.
    client = client_of("view_task")
    assert rows(client)["partners"].consumers is None
    assert HOST not in client.get(page_of("partners")).text


def test_the_page_tells_how_busy_its_readers_are_to_who_may_see_workers() -> None:
    put("mail")
    a_worker()
    answered(HOST)
    client = root_client()
    page = client.get(f"{URL}mail/")
    [reader] = page.context["readers"]
    assert (reader.worker.hostname, reader.slots, reader.prefetch) == (HOST, 4, 16)
    assert reader.fetched is not None
    text = page.content.decode()
    assert 'id="readers"' in text
    assert f"/acts/cancel_consumer/?queue=mail&amp;workers={quote(HOST, safe='')}" in text
    put("partners")
    assert client.get(f"{URL}partners/").context["readers"] == []
    assert 'id="readers"' not in client_of("view_task").get(f"{URL}mail/").content.decode()


def test_rates_say_whether_it_grows_and_when_it_will_be_empty() -> None:
    a_collector()
    for _number in range(30):
        put(ago=50)
    found = rows(root_client())["mail"]
    assert found.now.flow
    assert (found.now.growth, found.now.flow.finishing) == (pytest.approx(2, rel=0.01), 0)
    assert (found.kind, found.now.empty_in) == ("late", None)
    assert reading.Now(waiting=30, flow=Flow(arriving=1, finishing=4)).empty_in == 600


def test_what_came_while_nobody_listened_is_not_known_and_not_zero() -> None:
    put(ago=60)
    row = rows(root_client())["mail"]
    assert (row.kind, row.now.growth, row.now.waiting) == ("unknown", None, 1)
    for url in (URL, page_of("mail")):
        assert "Not known: nobody listened" in root_client().get(url).text


def test_rates_are_of_the_time_that_was_recorded() -> None:
    at = timezone.now()
    a_collector()
    # Two that overlap: of the fifteen minutes, ten are left.
    for start, end in ((14, 10), (12, 9)):
        first, last = at - timedelta(minutes=start), at - timedelta(minutes=end)
        Gap.objects.create(started_at=first, ended_at=last, reason="away")
    for _number in range(30):
        put(ago=60)
    found = rows(root_client())["mail"].now.growth
    assert found == pytest.approx(3, rel=0.02)


def test_of_very_many_arrivals_the_newest_tell_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    a_collector()
    for module in (reading, growth):
        monkeypatch.setattr(module, "LOOKED_AT", 10)
    time = timezone.now()
    for number in range(30):
        at = time - timedelta(seconds=6 * number)
        kept.a_task(f"t{number}", state="PENDING", queue="mail", time=at)
    response = root_client().get(URL)
    [row] = response.context["rows"]
    # Ten in the 54 seconds up to then, and in however long it took since.
    assert 10 / 15 < row.now.flow.arriving <= 10 / 0.9
    # What waits longest is looked at, and it is said that there is more.
    assert row.now.waiting == 10
    assert response.context["at_least"] == {"waiting"}
    assert "10+" in response.text
    assert (timezone.now() - row.now.oldest[1]).total_seconds() >= 6 * 29


def test_figures_of_the_range_and_a_link_to_what_failed() -> None:
    a_task("failed", ago=30)
    a_task(ago=30)
    response = root_client().get(page_of("mail"))
    totals = response.context["row"].totals
    assert (totals.ended, totals.failed, totals.succeeded) == (2, 1, 0.5)
    assert len(root_client().get(response.context["failed_url"]).context["rows"]) == 1
    assert rows(root_client())["mail"].totals.failed == 1


def test_the_page_of_a_queue_has_its_composition_and_its_latest_tasks() -> None:
    put(name="shop.waits")
    a_task()
    response = root_client().get(page_of("mail"))
    assert response.context["waiting_names"] == [("shop.waits", 1)]
    assert dict(response.context["composition"]) == {"shop.ship": 1, "shop.waits": 1}
    assert len(response.context["rows"]) == 2
    assert reverse("celery_monitor:type", args=["shop.waits"]) in response.text
    assert "dhl" not in client_of("view_task").get(page_of("mail")).text


def test_a_queue_that_was_used_once_is_listed_and_idle() -> None:
    a_collector()
    a_task(ago=7200)
    row = rows(root_client(), "?range=15m")["mail"]
    assert (row.kind, row.totals.ended) == ("offline", 0)
    assert root_client().get(page_of("mail", "?range=15m")).status_code == 200


def test_tasks_without_a_queue_are_one_row_without_a_page() -> None:
    a_task(queue=None)
    Task.objects.update(queue="")
    text = root_client().get(URL).text
    assert ">not known<" in text


def test_an_unknown_queue_is_explained() -> None:
    response = root_client().get(page_of("nobody"))
    assert response.status_code == 404
    assert "No task of this queue" in response.text


def test_no_queue_yet_says_what_tells_of_them() -> None:
    assert "task_send_sent_event = True" in root_client().get(URL).text


def test_every_column_sorts() -> None:
    a_collector()
    put("busy")
    a_task(queue="idle")
    client = root_client()
    assert list(rows(client)) == ["busy", "idle"]
    assert list(rows(client, "?sort=-finishing")) == ["idle", "busy"]
    assert list(rows(client, "?sort=-name")) == ["idle", "busy"]


class NotMail(AccessPolicy):
    def visible(self, user: Any, queryset: Any) -> Any:
        if queryset.model is Task:
            return queryset.exclude(queue="mail")
        named = {"TaskStats", "TaskTotals"}
        return queryset.exclude(label="mail") if queryset.model.__name__ in named else queryset


def test_a_policy_hides_a_queue(settings: Settings) -> None:
    put("mail")
    put("open")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.NotMail"}
    assert list(rows(root_client())) == ["open"]
    assert root_client().get(page_of("mail")).status_code == 404


def test_more_queues_cost_no_more_queries_and_none_reads_without_a_bound(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    a_collector()
    for number in range(20):
        put(f"queue{number}")
    client = root_client()
    client.get(URL)
    with django_assert_max_num_queries(17):
        client.get(URL)
    client.get(page_of("queue1"))
    with django_assert_max_num_queries(22):
        client.get(page_of("queue1"))
    with CaptureQueriesContext(connection) as queries:
        client.get(URL)
    tasks = [each["sql"] for each in queries if 'FROM "django_celery_monitor_task"' in each["sql"]]
    assert len(tasks) == 5
    assert all("LIMIT" in sql for sql in tasks)
