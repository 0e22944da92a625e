"""Times in the zone, and by the clock, that a reader chose."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.reading import clock
from django_celery_monitor.reading.clock import Clock, chosen, keeping
from tests.integration.made import a_task, client_of, root_client

pytestmark = pytest.mark.django_db


def look(zone: str, path: str) -> Any:
    client = root_client()
    client.cookies["celery_monitor_zone"] = zone
    return client.get(path)


@pytest.fixture
def path(settings: Settings) -> str:
    settings.TIME_ZONE = "Europe/Zurich"
    return reverse("celery_monitor:task", args=[a_task()])


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "UTC"),
        ("Asia/Tokyo", "JST"),
        ("browser:Asia/Tokyo", "JST"),
        ("Asia/Kathmandu", "+0545"),
    ],
)
def test_times_are_written_in_the_chosen_zone(path: str, zone: str, shown: str) -> None:
    text = look(zone, path).content.decode()
    assert f" {shown}</time>" in text
    assert " UTC" in text
    assert timezone.get_current_timezone_name() == "Europe/Zurich"


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd", "Europe", "x" * 3000])
def test_what_is_no_zone_changes_nothing(path: str, zone: str) -> None:
    answer = look(zone, path)
    assert answer.status_code == 200
    assert " CET</time>" in answer.content.decode() or " CEST</time>" in answer.content.decode()


def test_ages_are_times_for_who_wants_them(path: str) -> None:
    client = root_client()
    listed = reverse("celery_monitor:tasks")
    assert 'data-ticks="ago"' in client.get(listed).text
    client.cookies["celery_monitor_times"] = "absolute"
    text = client.get(listed).text
    assert 'data-ticks="ago"' not in text
    assert re.search(r"<time [^>]+>(?:[A-Z][a-z]+ \d+ )?\d\d:\d\d(?::\d\d)?</time>", text)
    assert client.get(listed).context["clock"] == Clock(absolute=True)
    assert chosen() == Clock()


def test_a_day_has_twice_twelve_hours_for_who_wants_that(path: str) -> None:
    client = root_client()
    client.cookies["celery_monitor_times"] = "absolute-12"
    assert re.search(r"\d, \d+:\d\d:\d\d [AP]M CES?T</time>", client.get(path).text)
    overview = client.get(reverse("celery_monitor:overview"))
    assert '"twelve": true' in overview.text
    assert re.search(r'<th scope="row">\w+ \d+ \d+:\d\d [AP]M', overview.text)


@pytest.mark.parametrize(
    ("twelve", "texts"),
    [
        (False, ["00:07", "00:07:05", "00:07:05.012", "March 4 00:07"]),
        (True, ["12:07 AM", "12:07:05 AM", "12:07:05.012 AM", "March 4 12:07 AM"]),
    ],
)
def test_midnight_in_both_ways(twelve: bool, texts: list[str]) -> None:
    at = datetime(2026, 3, 4, 0, 7, 5, 12_000, tzinfo=UTC)
    with keeping(Clock(twelve=twelve)):
        found = [each(at) for each in (clock.minutes, clock.seconds, clock.milliseconds)]
        assert [*found, clock.short(at)] == texts


def test_a_time_in_place_of_an_age_is_as_long_as_it_must_be() -> None:
    at = datetime(2026, 3, 4, 12, 7, 5, tzinfo=UTC)
    with timezone.override("UTC"):
        texts = [clock.when(at, at + timedelta(days=days)) for days in (0, 1, 365)]
    assert texts == ["12:07:05", "March 4 12:07", "March 4, 2026"]


def test_another_clock_is_another_page(path: str) -> None:
    client = root_client()
    tag = client.get(path)["ETag"]
    client.cookies["celery_monitor_times"] = "12"
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_another_zone_is_another_page(path: str) -> None:
    client = root_client()
    tag = client.get(path)["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    client.cookies["celery_monitor_zone"] = "Asia/Tokyo"
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_link_to_a_time_means_the_same_to_everybody(path: str) -> None:
    url = reverse("celery_monitor:tasks")
    answer = look("Asia/Tokyo", f"{url}?after=2026-01-31T14:00&before=15m&state=failed")
    assert (
        answer["Location"]
        == f"{url}?after=2026-01-31T14%3A00%3A00%2B09%3A00&before=15m&state=failed"
    )
    assert look("UTC", answer["Location"]).status_code == 200
    assert look("UTC", f"{url}?after=2026-13-31T14:00").status_code == 400


def test_the_style_guide_has_the_gate_of_a_page(settings: Settings) -> None:
    settings.DEBUG = True
    url = reverse("celery_monitor:styleguide")
    assert root_client().get(url).status_code == 200
    assert client_of().get(url).status_code == 403
