"""A search looks stretch by stretch, and stops when whoever waits has waited long enough."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from django_celery_monitor import searching
from django_celery_monitor.filters import And, Expression, Or, Term
from django_celery_monitor.models import Task
from django_celery_monitor.paging import Page, page
from tests.integration.kept import T0, a_task

pytestmark = pytest.mark.django_db

TEXT = And((Term("q", "x"),))
FAILED = And((Or((Term("state", "FAILURE"), Term("state", "LOST"))), Term("q", "x")))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST", "_FIRST_SCATTERED"):
        monkeypatch.setattr(searching, name, 2)


def keep(count: int) -> None:
    for number in range(count):
        a_task(
            f"a{number:02}",
            state=("FAILURE", "SUCCESS", "LOST")[number % 3],
            search="x" if number % 4 == 0 else "y",
            # Some of one moment, on both sides of where a stretch ends.
            time=T0 + timedelta(seconds=number // 3),
        )


def every(expression: Expression, seconds: float | None, size: int = 3) -> list[str]:
    met: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found = page(Task.objects.all(), expression, cursor, size, seconds)
        met += [task.id for task in found.items]
        cursor = found.older
    return met


def first(seconds: float | None, size: int = 50) -> Page:
    return page(Task.objects.all(), TEXT, size=size, seconds=seconds)


def test_who_has_no_time_is_shown_one_stretch_and_where_it_ended() -> None:
    keep(30)
    found = first(seconds=0)
    assert (found.looked_at, found.searched_since) == (2, T0 + timedelta(seconds=9))
    assert found.older is not None


def test_who_has_time_is_shown_everything() -> None:
    keep(30)
    for seconds in (60.0, None):
        found = first(seconds)
        assert (len(found.items), found.older, found.searched_since) == (8, None, None)


def test_a_stretch_is_as_long_as_the_time_allows() -> None:
    assert searching._following(looked_at=400, took=0.01, rest=0.02, left=1000) == 800
    assert searching._following(looked_at=100, took=0.001, rest=1.0, left=5000) == 800
    assert searching._following(looked_at=400, took=0.01, rest=0.02, left=300) == 300
    # Not worth the two questions that it takes.
    assert searching._following(looked_at=400, took=0.01, rest=0.001, left=1000) == 0
    assert searching._following(looked_at=400, took=0.0, rest=-1.0, left=1000) == 0


@pytest.mark.parametrize("expression", [TEXT, FAILED])
@pytest.mark.parametrize("seconds", [0, 60.0, None])
def test_stretches_leave_nothing_out_and_show_nothing_twice(
    expression: Expression, seconds: float | None
) -> None:
    keep(30)
    rows = Task.objects.filter(search="x").order_by("-time", "-id")
    if expression is FAILED:
        rows = rows.exclude(state="SUCCESS")
    assert every(expression, seconds) == list(rows.values_list("id", flat=True))


def test_the_way_back_is_the_same(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 4}
    keep(30)
    oldest = page(Task.objects.all(), TEXT, size=2, seconds=0)
    while oldest.older:
        oldest = page(Task.objects.all(), TEXT, oldest.older, 2, 0)
    back, newer = [task.id for task in reversed(oldest.items)], oldest.newer
    while newer:
        found = page(Task.objects.all(), TEXT, newer, 2, 0)
        back += [task.id for task in reversed(found.items)]
        newer = found.newer
    assert back == sorted(back)
    assert set(back) == set(Task.objects.filter(search="x").values_list("id", flat=True))
