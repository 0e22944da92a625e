"""The list of tasks: filters, counts, pages, hostile rows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from html import unescape
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading import counts
from django_celery_monitor.state.states import group
from tests.integration.made import (
    a_collector,
    a_task,
    a_worker,
    event,
    now,
    received,
    root_client,
    sent,
    store,
)

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>'\"&{{ 7|add:7 }}"


def tasks(client: Client | None = None, **params: Any) -> Any:
    url = reverse("celery_monitor:tasks")
    return (client or root_client()).get(f"{url}?{urlencode(params, doseq=True)}")


def shown(response: Any) -> list[str]:
    assert response.status_code == 200
    return [row.task.id for row in response.context["rows"]]


def test_rows_are_in_the_page_itself_newest_first_for_who_has_no_scripts() -> None:
    older, newer = a_task(ago=60), a_task(ago=5)
    response = tasks()
    assert shown(response) == [newer, older]
    text = response.text
    assert text.index(newer) < text.index(older)
    assert "shop.ship" in text
    assert "Succeeded" in text
    assert "data-live" in text


def test_each_filter_in_the_address_narrows_the_list() -> None:
    plain = a_task()
    broken = a_task("failed", name="shop.pay", queue="cards", ago=7200)
    child = "11111111-2222-3333-4444-555555555555"
    store(received(child, now() - 3, root_id=plain, parent_id=plain))
    client = root_client()
    assert shown(tasks(client, state="failed")) == [broken]
    assert shown(tasks(client, state="FAILURE")) == [broken]
    assert set(shown(tasks(client, state=["failed", "waiting"]))) == {broken, child}
    assert shown(tasks(client, name="shop.pay")) == [broken]
    assert len(shown(tasks(client, name="shop.*"))) == 3
    assert shown(tasks(client, queue="cards")) == [broken]
    assert len(shown(tasks(client, worker="celery@web-1"))) == 3
    assert shown(tasks(client, id=child)) == [child]
    assert set(shown(tasks(client, root=plain))) == {plain, child}
    assert shown(tasks(client, parent=plain)) == [child]
    assert broken not in shown(tasks(client, after="1h"))
    assert shown(tasks(client, before="1h")) == [broken]
    assert shown(tasks(client, q="INSUFFICIENT")) == [broken]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"after": "yesterday"}, "yesterday is not a time"),
        ({"before": "2026-13-45"}, "2026-13-45 is not a time"),
        ({"cursor": "junk"}, "This page address is damaged"),
        ({"name": "a\0b"}, "NUL"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_with_the_reason(
    params: dict[str, Any], said: str
) -> None:
    response = tasks(**params)
    assert response.status_code == 400
    assert said in response.text


def test_older_and_newer_reach_every_task_once() -> None:
    ids = [a_task(ago=second) for second in range(1, 61)]
    client = root_client()
    response = tasks(client)
    forth = [shown(response)]
    while url := response.context["older_url"]:
        response = client.get(url)
        forth.append(shown(response))
    assert [len(page) for page in forth] == [25, 25, 10]
    assert list(chain.from_iterable(forth)) == ids
    back = [forth[-1]]
    while url := response.context["newer_url"]:
        response = client.get(url)
        back.append(shown(response))
    assert back[::-1] == forth


def test_an_older_page_says_so_and_knows_what_is_newest() -> None:
    for second in range(30):
        a_task(ago=60 + second)
    client = root_client()
    older = tasks(client).context["older_url"]
    before = client.get(older).context["newest"]
    newest = a_task()
    response = client.get(older)
    assert "You are reading older tasks" in response.text
    assert response.context["newest"] == newest != before


def test_counts_are_those_of_the_rows_also_where_a_window_cuts_a_minute() -> None:
    for second in range(0, 300, 7):
        a_task("failed" if second % 2 else "succeeded", ago=second)
    a_task("failed", name="shop.pay", ago=100)
    client = root_client()
    moment = timezone.now()
    for params in (
        {},
        {"after": (moment - timedelta(seconds=95)).isoformat()},
        {"before": (moment - timedelta(seconds=95)).isoformat()},
        _window(moment, 130, 20),
        _window(moment, 31, 29),
        {"name": "shop.pay"},
        {"state": "failed"},
        {"name": "shop.p*", "state": "succeeded"},
        {"-name": "shop.pay"},
        {"-state": "failed"},
    ):
        _check(tasks(client, **params), params)


def _window(moment: datetime, begin: int, end: int) -> dict[str, str]:
    ago = (moment - timedelta(seconds=begin), moment - timedelta(seconds=end))
    return {"after": ago[0].isoformat(), "before": ago[1].isoformat()}


def _check(response: Any, params: dict[str, str]) -> None:
    """Every count is the number of rows that the list behind it would have."""
    client = root_client()
    assert response.context["counts"].at_least is False
    for link in response.context["states"]:
        assert int(link.count) == len(_all(client, {**params, "-state": "", "state": link.kind})), (
            link
        )
    for link in response.context["names"]:
        assert int(link.count) == len(_all(client, {**params, "-name": "", "name": link.title})), (
            link
        )


def _all(client: Client, params: dict[str, str]) -> list[str]:
    response = tasks(client, **{key: value for key, value in params.items() if value})
    found = shown(response)
    while url := response.context["older_url"]:
        response = client.get(url)
        found += shown(response)
    return found


def test_where_counters_know_nothing_rows_are_counted_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for second in range(12):
        a_task(ago=second, queue="mail")
    a_task("failed", queue="mail")
    client = root_client()
    response = tasks(client, queue="mail")
    assert _counts(response)["Succeeded"] == "12"
    assert _counts(response)["Failed"] == "1"
    monkeypatch.setattr(counts, "FEW", 5)
    assert _counts(tasks(client, queue="mail"))["All"] == "5+"


def test_a_text_search_shows_no_counts_rather_than_guesses() -> None:
    a_task()
    response = tasks(q="carrier")
    assert len(shown(response)) == 1
    assert set(_counts(response).values()) == {""}
    assert "Not counted" in response.text


def test_the_whole_search_as_a_text_takes_the_place_of_all_filters() -> None:
    uuid = a_task("failed")
    asked = "find=state:failed&whole=1&state=lost&-kwargs.a=1&column=state"
    answer = root_client().get(f"{reverse('celery_monitor:tasks')}?{asked}")
    assert answer["Location"].endswith("?column=state&state=failed")
    mistaken = tasks(find="state:failed runtime:soon", whole="1", state="failed")
    assert shown(mistaken) == [uuid]
    assert "<mark>soon</mark>" in mistaken.text
    assert "data-mistaken" in mistaken.text


def test_one_argument_is_searched_and_it_is_said_where_only_a_text_was() -> None:
    uuid = a_task(kwargs="{'order': 42}")
    a_task(kwargs="{'order': 421}")
    response = tasks(find="kwargs.order:42", state="succeeded")
    assert response["Location"].endswith("?state=succeeded&kwargs.order=42")
    response = root_client().get(response["Location"])
    assert shown(response) == [uuid]
    assert "matched in the text of the arguments" in response.text
    assert "kwargs.order:42" in response.text
    assert "matched in the text" not in tasks(q="order").text


def _counts(response: Any) -> dict[str, str]:
    return {link.label: link.count for link in response.context["states"]}


def test_a_state_of_an_app_s_own_counts_as_running_and_is_shown_by_its_name() -> None:
    uuid = a_task("received")
    store({**received(uuid, now()), "type": "task-rendering"})
    response = tasks(state="running")
    assert shown(response) == [uuid]
    assert _counts(response)["Running"] == "1"
    assert "RENDERING" in response.text


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("state:failed task:shop.*", "state=failed&name=shop.%2A"),
        ('queue:"my queue" timed out', "queue=my+queue&q=timed&q=out"),
        ("-state:succeeded,revoked runtime:>30s", "-state=succeeded&-state=revoked&runtime=%3E30s"),
        ('"timed out"', "q=timed+out"),
        ("after:2h", "after=2h"),
        (
            "6A1C4FC7-D89B-49e4-926d-7bd97f679885",
            "id=6A1C4FC7-D89B-49e4-926d-7bd97f679885",
        ),
        ("https://x.test", "q=https%3A%2F%2Fx.test"),
        ("", ""),
    ],
)
def test_the_search_box_becomes_filters_in_the_address(typed: str, becomes: str) -> None:
    response = tasks(find=typed)
    url = reverse("celery_monitor:tasks")
    assert response["Location"] == (f"{url}?{becomes}" if becomes else url)


def test_the_search_box_keeps_the_filters_that_are_there_but_not_the_page() -> None:
    response = tasks(state="failed", cursor="x", find="queue:mail")
    assert response["Location"].endswith("?state=failed&queue=mail")


@pytest.mark.parametrize(
    ("typed", "part", "reason"),
    [
        ("queue:mail after:soon", "soon", "soon is not a time"),
        ("stat:failed", "stat:failed", "Did you mean state:?"),
        ("zebra:1", "zebra:1", "put quotes around it"),
        ("runtime:30s", "30s", "use &gt;30s"),
        ("retries:many", "many", "use 3, &gt;2"),
        ("state:", "state:", "such as state:failed"),
    ],
)
def test_what_cannot_be_understood_is_underlined_and_the_list_stays(
    typed: str, part: str, reason: str
) -> None:
    broken = a_task("failed")
    a_task()
    response = tasks(state="failed", find=typed)
    assert shown(response) == [broken]
    assert f"<mark>{part}</mark>" in response.text
    assert reason in response.text
    assert f'value="{typed}"' in response.text


def test_a_search_that_did_not_see_everything_says_so_and_looks_further(
    settings: Settings,
) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 3}
    old = a_task(ago=60, args="('needle',)")
    for second in range(5):
        a_task(ago=second)
    client = root_client()
    response = tasks(client, q="needle")
    assert shown(response) == []
    assert "None of the 3 tasks back to" in response.text
    response = client.get(response.context["older_url"])
    assert shown(response) == [old]
    assert "back to" not in response.text


def test_runs_and_waits_are_found_as_they_are_shown() -> None:
    quick = a_task(ago=100)
    running, waiting, at = "r-1", "w-1", now()
    store(received(running, at - 700), event("started", running, at - 650))
    store(sent(waiting, at - 400))
    client = root_client()
    assert shown(tasks(client, runtime=">10m")) == [running]
    assert shown(tasks(client, runtime=["<=1s", ">0.4"])) == [quick]
    assert shown(tasks(client, wait=">5m")) == [waiting]
    assert set(shown(tasks(client, wait="<2m"))) == {quick, running}
    assert set(shown(tasks(client, **{"-state": "succeeded"}))) == {running, waiting}


def test_an_error_is_found_by_its_type_or_its_text() -> None:
    broken = a_task("failed")
    a_task()
    kind = Task.objects.get(pk=broken).exception.partition("(")[0]
    client = root_client()
    assert shown(tasks(client, error=kind)) == [broken]
    assert shown(tasks(client, error="Card*")) == [broken]
    assert shown(tasks(client, error="'insufficient_")) == [broken]
    assert shown(tasks(client, error="insufficient_funds")) == []
    fingerprint = TaskError.objects.get().fingerprint
    assert shown(tasks(client, error=fingerprint)) == [broken]


def test_each_filter_is_a_chip_whose_link_takes_it_away() -> None:
    a_task()
    chips = tasks(state=["failed", "waiting"], name="shop.ship").context["chips"]
    assert [(str(chip.label), chip.value) for chip in chips] == [
        ("State", "failed"),
        ("State", "waiting"),
        ("Type", "shop.ship"),
    ]
    assert chips[0].url.endswith("?state=waiting&name=shop.ship")
    assert chips[2].url.endswith("?state=failed&state=waiting")


def test_hostile_names_and_arguments_are_text_and_nothing_else() -> None:
    uuid = f"id-{HOSTILE}/../\n?#%"
    store(
        sent(uuid, now(), name=HOSTILE, args=f"({HOSTILE!r},)", queue=HOSTILE),
        received(uuid, now(), name=HOSTILE, args=f"({HOSTILE!r},)") | {"hostname": HOSTILE},
    )
    a_worker(HOSTILE)
    client = root_client()
    pages = [
        tasks(client),
        tasks(client, name=HOSTILE, q=HOSTILE[:9], worker=HOSTILE, queue=HOSTILE),
        tasks(client, after=HOSTILE),
        client.get(reverse("celery_monitor:task", args=[uuid])),
        client.get(reverse("celery_monitor:workers")),
        client.get(reverse("celery_monitor:worker", args=[HOSTILE])),
        client.get(reverse("celery_monitor:overview")),
    ]
    for response in pages:
        assert response.status_code in {200, 400}
        assert "<script>alert" not in response.text
        assert "14" not in response.text.partition("alert(1)")[2][:40]
    assert HOSTILE in unescape(pages[0].text)


def test_empty_lists_say_what_to_do() -> None:
    client = root_client()
    assert "manage.py celerymonitor" in tasks(client).text
    assert "No task has been seen yet" in tasks(client).text
    assert "No task matches these filters" in tasks(client, name="nobody").text


def test_the_banner_says_that_nobody_listens_and_since_when() -> None:
    client = root_client()
    assert "None has run yet" in tasks(client).text
    a_collector(at=timezone.now() - timedelta(minutes=5))
    text = tasks(client).text
    assert "No collector is listening" in text
    assert "5 min ago" in text
    a_collector()
    assert "No collector is listening" not in tasks(client).text


def test_a_longer_list_costs_no_more_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    a_collector()
    a_worker()
    client = root_client()
    tasks(client)
    for number in range(30):
        a_task(name=f"shop.kind{number}", ago=60 + number)
        a_worker(f"celery@{number}")
    # Session, user, revision, collector, list, counts, workers and their rates.
    with django_assert_max_num_queries(10):
        assert len(shown(tasks(client))) == 25


def test_groups_of_rows_add_up_to_all() -> None:
    a_task()
    a_task("failed")
    a_task("received")
    found = Counter(group(state) for state in Task.objects.values_list("state", flat=True))
    counted = tasks().context["counts"].groups
    assert counted == found


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({}, "All 4 tasks selected"),
        ({"state": "failed"}, "All 3 matching state:failed selected"),
        ({"state": "FAILURE", "name": "shop.*"}, "All 2 matching state:FAILURE task:shop.*"),
        ({"-name": "shop.pay", "after": "1h"}, "All 2 matching -task:shop.pay after:1h"),
        # Counted along the index of the queue.
        ({"queue": "mail", "-state": "failed"}, "All 1 matching -state:failed queue:mail"),
        ({"queue": "mail", "state": "FAILURE"}, "All that match state:FAILURE queue:mail"),
        ({"q": "20483"}, "All that match 20483 selected"),
    ],
)
def test_a_list_says_how_many_there_are_to_select(filters: dict[str, Any], said: str) -> None:
    for name in ("shop.pay", "shop.pay", "cron.clean"):
        a_task("failed", name=name, ago=10)
    a_task()
    assert f'data-chosen="{said}' in unescape(tasks(**filters).text)
