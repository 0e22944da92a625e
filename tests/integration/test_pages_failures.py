"""The triage matrix: what fails, how often in which time, and is it over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.models import TaskError, TaskStats
from django_celery_monitor.reading import failures as reading
from django_celery_monitor.views import failures as view
from tests.integration import made
from tests.integration.kept import a_task, an_error
from tests.integration.made import client_of, root_client

pytestmark = pytest.mark.django_db
URL = "/monitor/failures/"
KIND = "0123456789abcdef"


def failure(number: int, hours: float, **values: Any) -> TaskError:
    values = {"name": "shop.pay", "fingerprint": KIND, "type": "CardDeclined"} | values
    task_id = f"{values['name']}-{number}"
    time = timezone.now() - timedelta(hours=hours)
    a_task(task_id, name=values["name"], state="FAILURE", time=time - timedelta(hours=9))
    return an_error(task_id, time=time, **values)


def lines(client: Client, which: str = "task_lines", query: str = "") -> list[view.Line]:
    found: list[view.Line] = client.get(URL + query).context[which]
    return found


def numbers(line: view.Line) -> list[int]:
    return [cell.number for cell in line.cells]


def test_failures_are_counted_by_their_age() -> None:
    for number, hours in enumerate((0.5, 2, 20, 50, 100, 300, 24 * 31)):
        failure(number, hours)
    [line] = lines(root_client())
    assert [cell.column for cell in line.cells] == ["30d", "7d", "3d", "24h", "3h", "1h"]
    assert numbers(line) == [6, 5, 4, 3, 2, 1]


def test_the_tint_shows_when_most_of_them_happened() -> None:
    for number, hours in enumerate((0.1, 2, 2, 2, 20, 20, 20, 20, 20, 20)):
        failure(number, hours)
    [line] = lines(root_client())
    assert [cell.heat for cell in line.cells] == [0, 0, 0, 3, 2, 1]


def test_a_cell_opens_exactly_the_tasks_it_counts() -> None:
    for number, hours in enumerate((0.5, 0.7, 2, 50)):
        failure(number, hours, name="shop.pay & ship")
    failure(9, 0.1, fingerprint="f" * 16)
    client = root_client()
    pages = [lines(client), lines(client, "kind_lines")]
    cells = [cell for found in pages for line in found for cell in line.cells]
    assert len(cells) == 4 * 6
    for cell in cells:
        assert len(client.get(cell.url).context["rows"]) == cell.number, cell
    assert parse_qs(urlsplit(cells[0].url).query) == {
        "state": ["failed"],
        "name": ["shop.pay & ship"],
        "failed": ["30d"],
    }


def test_each_line_selects_what_it_counts() -> None:
    failure(1, 2)
    page = root_client().get(URL)
    url = page.context["task_lines"][0].cells[0].url
    assert page.text.count("#select-all") == 2
    assert f'href="{escape(url)}#select-all"' in page.text


def test_what_burns_now_is_on_top_and_any_column_sorts() -> None:
    for number in range(5):
        failure(number, 50, name="shop.old")
    failure(1, 0.1, name="shop.new")
    client = root_client()
    assert [line.key for line in lines(client)] == ["shop.new", "shop.old"]
    assert [line.key for line in lines(client, query="?sort=7d")] == ["shop.old", "shop.new"]
    assert [line.key for line in lines(client, query="?sort=x")] == ["shop.new", "shop.old"]
    assert 'aria-sort="descending"><a href="/monitor/failures/?sort=7d"' in (
        client.get(f"{URL}?sort=7d").text
    )


def test_new_is_what_was_first_seen_within_a_day() -> None:
    failure(1, 0.1, name="shop.new")
    failure(1, 0.1, name="shop.known")
    failure(2, 60, name="shop.known")
    assert {line.key: line.new for line in lines(root_client())} == {
        "shop.new": True,
        "shop.known": False,
    }


def test_retries_and_failures_told_twice_are_not_counted() -> None:
    failure(1, 1, retry=True)
    failure(2, 1, duplicate=True)
    assert "No failure in the last 30 days" in root_client().get(URL).text


def test_successes_since_the_last_failure_are_counted() -> None:
    # Not in the last hour of a day, after which all that counts are whole days.
    error = failure(1, 5 if timezone.now().hour != 4 else 7)
    failure(2, 26 * 24, name="shop.other")
    hours = {"period": "h", "grain": "n", "label": "shop.pay"}
    past = error.time.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    TaskStats.objects.create(start=past, succeeded=7, **hours)
    # Of the hour of the failure only what came after its minute.
    minutes = {**hours, "period": "m"}
    TaskStats.objects.create(start=error.time - timedelta(minutes=3), succeeded=100, **minutes)
    day = past.replace(hour=0)
    TaskStats.objects.create(start=day, succeeded=1000, **{**hours, "period": "d"})
    by_name = {line.key: line.recovered for line in lines(root_client())}
    assert by_name == {"shop.pay": 7, "shop.other": 0}
    [kind] = lines(root_client(), "kind_lines")
    assert kind.recovered == 7
    assert kind.tasks == ["shop.pay", "shop.other"]


def test_message_and_traceback_need_the_right_to_see_arguments() -> None:
    made.a_task("failed")
    text = root_client().get(URL).text
    assert "insufficient_funds" in text
    assert "charge_card" in text
    text = client_of("view_task").get(URL).text
    assert "CardDeclined" in text
    assert "insufficient_funds" not in text
    assert "charge_card" not in text


class NoPayload(AccessPolicy):
    """A right to arguments in general, but not to those of any task."""

    def can(self, user: Any, act: str, obj: object = None) -> bool:
        return obj is None and super().can(user, act)


class OnlyMail(AccessPolicy):
    def visible(self, user: Any, queryset: Any) -> Any:
        if queryset.model is TaskError:
            return queryset.filter(name="shop.mail")
        return queryset


def test_a_policy_hides_what_a_single_task_said(settings: Settings) -> None:
    made.a_task("failed")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.NoPayload"}
    assert "insufficient_funds" not in root_client().get(URL).text


def test_a_policy_narrows_what_is_counted(settings: Settings) -> None:
    failure(1, 1)
    failure(1, 2, name="shop.mail")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OnlyMail"}
    assert [line.key for line in lines(root_client())] == ["shop.mail"]
    [kind] = lines(root_client(), "kind_lines")
    assert (numbers(kind)[0], kind.tasks) == (1, ["shop.mail"])


def test_20_rows_and_then_more() -> None:
    for number in range(25):
        failure(1, 1, name=f"shop.task{number:02}", fingerprint=f"{number:016x}")
    client = root_client()
    assert len(lines(client)) == len(lines(client, "kind_lines")) == 20
    assert "20 of 25" in client.get(URL).text
    assert len(lines(client, query="?tasks=all")) == 25
    assert len(lines(client, "kind_lines", "?tasks=all")) == 20
    assert len(lines(client, "kind_lines", "?errors=all")) == 25


def test_of_too_many_failures_the_newest_are_counted_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST", 2)
    for number, hours in enumerate((30, 40, 50, 60)):
        failure(number, hours)
    client = root_client()
    [line] = lines(client)
    assert numbers(line) == [3, 3, 3, 0, 0, 0]
    assert [cell.at_least for cell in line.cells] == [True, True, True, False, False, False]
    assert "There are very many failures" in client.get(URL).text


def test_a_task_without_a_name_is_said_to_have_none() -> None:
    failure(1, 1, name="")
    response = root_client().get(URL)
    assert "Name not known" in response.text
    assert {cell.url for cell in response.context["task_lines"][0].cells} == {""}


def test_hostile_names_and_errors_harm_nothing() -> None:
    evil = "<script>alert(1)</script>\u202e" + "x" * 200
    failure(1, 1, name=evil, type=evil, message=evil, traceback=evil)
    assert "<script>alert" not in root_client().get(URL).text


def test_more_failures_cost_no_more_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        failure(1, number, name=f"shop.task{number}", fingerprint=f"{number:016x}")
    client = root_client()
    client.get(URL)
    with django_assert_max_num_queries(13):
        client.get(URL)


def test_counting_reads_the_index_and_nothing_else() -> None:
    plan = reading.failures_of(made.superuser()).filter(time__gte=timezone.now())
    assert "COVERING INDEX dcm_taskerror_failure (time>" in (
        plan.values_list("name", "fingerprint").distinct().explain()
    )
