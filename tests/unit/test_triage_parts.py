"""The small words and drawings of the tables that lead to lists."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, QueryDict

from django_celery_monitor.reading.histogram import Bar
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.templatetags import celery_monitor_triage as parts
from django_celery_monitor.templatetags.celery_monitor_parts import signed
from django_celery_monitor.views import sorting

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.12, "+12 %"),
        (-0.4, f"{MINUS}40 %"),
        (-0.001, "0 %"),
        (9.49, "+949 %"),
        (41.0, "×42"),
    ],
)
def test_a_change_has_its_sign(value: float | None, text: str) -> None:
    assert parts.change(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01, "0"), (4.25, "+4.2"), (-12, f"{MINUS}12.0"), (-4812, f"{MINUS}4,812")],
)
def test_a_growth_has_its_sign(value: float, text: str) -> None:
    assert signed(value) == text


def test_what_stands_for_several_or_for_none_has_a_word_and_no_page() -> None:
    assert [parts.label(name) for name in ("a", "", OTHER)] == ["a", "not known", "other"]
    assert [parts.is_one(name) for name in ("a", "", OTHER)] == [True, False, False]


def test_a_trend_of_anything_fits_its_box() -> None:
    assert 'points="0.0,18.0 100.0,2.0"' in parts.trend([0, 8])
    assert 'points="0.0,18.0"' in parts.trend([0])
    assert parts.trend([]) == ""


def test_a_share_is_a_share() -> None:
    assert 'width="25.0"' in parts.share(0.25)
    assert 'width="100.0"' in parts.share(1.7)
    assert 'width="0.0"' in parts.share(-1)


def test_few_runs_are_visible_beside_many() -> None:
    found = [Bar(low=0.1, high=0.2, number=10_000), Bar(low=0.2, high=0.4, number=1)]
    drawn = parts.bars(found)
    assert 'height="100.0"' in drawn
    assert 'height="2.0"' in drawn
    assert "<title>200 ms to 400 ms: 1</title>" in drawn
    assert '<th scope="row">100 ms to 200 ms</th><td class="num">10,000</td>' in (
        parts.bar_rows(found)
    )
    assert "rect" not in parts.bars([])


def test_a_heading_turns_its_own_order_round_and_keeps_the_rest_of_the_address() -> None:
    request = HttpRequest()
    request.path = "/types/"
    request.GET = QueryDict("range=7d&sort=-runs")
    found = sorting.headings(request, ("name", "runs", "total"), "-runs")
    assert found["runs"].order == "descending"
    assert found["runs"].url == "/types/?range=7d&sort=runs"
    assert (found["name"].order, found["name"].url) == ("", "/types/?range=7d&sort=name")
    assert found["total"].url == "/types/?range=7d&sort=-total"
    again = sorting.headings(request, ("name", "runs"), "name")
    assert (again["name"].order, again["name"].url) == ("ascending", "/types/?range=7d&sort=-name")
