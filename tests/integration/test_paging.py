from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from django_celery_monitor.filters import And, Expression, FilterError, Not, Term
from django_celery_monitor.models import Task
from django_celery_monitor.paging import Page, page
from django_celery_monitor.state.states import GROUP_OF
from tests.integration.kept import T0, a_task

pytestmark = pytest.mark.django_db

EVERYTHING = And(())


def keep(*times: int, prefix: str = "a") -> None:
    for number, seconds in enumerate(times):
        a_task(f"{prefix}{number}", time=T0 + timedelta(seconds=seconds))


def ids(found: Page) -> list[str]:
    return [task.id for task in found.items]


def get(cursor: str | None = "", size: int = 2, expression: Expression = EVERYTHING) -> Page:
    assert cursor is not None
    return page(Task.objects.all(), expression, cursor, size)


def test_newest_first_and_on_to_the_oldest() -> None:
    keep(1, 2, 3, 4, 5)
    first = get()
    second = get(first.older)
    third = get(second.older)
    assert [ids(first), ids(second), ids(third)] == [["a4", "a3"], ["a2", "a1"], ["a0"]]
    assert (first.newer, third.older) == (None, None)


def test_back_again() -> None:
    keep(1, 2, 3, 4, 5)
    third = get(get(get().older).older)
    second = get(third.newer)
    first = get(second.newer)
    assert [ids(second), ids(first)] == [["a2", "a1"], ["a4", "a3"]]
    assert first.newer is None
    assert ids(get(first.older)) == ids(second)


def test_tasks_of_one_moment_are_told_apart_by_id() -> None:
    keep(1, 1, 1, 1, 1)
    first = get()
    assert ids(first) + ids(get(first.older)) == ["a4", "a3", "a2", "a1"]


def test_moments_are_exact_to_the_microsecond() -> None:
    exact = datetime.fromisoformat("2026-01-31T14:00:00.123457+00:00")
    for number in range(4):
        a_task(f"a{number}", time=exact + timedelta(microseconds=number))
    first = get()
    assert ids(get(first.older)) == ["a1", "a0"]


def test_moments_before_1970_have_cursors_too() -> None:
    for number in range(3):
        a_task(f"a{number}", time=T0.replace(year=1969) + timedelta(seconds=number))
    assert ids(get(get().older)) == ["a0"]


@pytest.mark.parametrize("task_id", ["žluť|☃", "a|b", "\n", "x" * 255])
def test_any_id_can_be_a_place_to_go_on_from(task_id: str) -> None:
    a_task(task_id, time=T0 + timedelta(seconds=1))
    keep(0)
    assert ids(get(get(size=1).older, size=1)) == ["a0"]


def test_what_arrives_meanwhile_moves_nothing() -> None:
    keep(10, 20, 30, 40)
    first = get()
    keep(50, 35, 25, prefix="b")
    assert ids(get(first.older)) == ["b2", "a1"]


def test_what_is_removed_meanwhile_moves_nothing() -> None:
    keep(10, 20, 30, 40)
    first = get()
    Task.objects.filter(pk__in=["a2", "a1"]).delete()
    assert ids(get(first.older)) == ["a0"]


def test_an_empty_place() -> None:
    keep(10, 20, 30)
    first = get()
    Task.objects.all().delete()
    found = get(first.older)
    assert (ids(found), found.older) == ([], None)
    keep(10, 20, 30)
    # The way back leads to what is there by now.
    assert ids(get(found.newer)) == ["a2", "a1"]


def test_filters_hold_on_every_page() -> None:
    for number in range(6):
        state = "FAILURE" if number % 2 else "SUCCESS"
        a_task(f"a{number}", state=state, time=T0 + timedelta(seconds=number))
    first = get(expression=Term("state", "FAILURE"))
    assert ids(first) == ["a5", "a3"]
    assert ids(get(first.older, expression=Term("state", "FAILURE"))) == ["a1"]


def test_a_page_is_one_query_wherever_it_lies() -> None:
    keep(*range(20))
    cursor: str | None = ""
    while cursor is not None:
        with CaptureQueriesContext(connection) as queries:
            found = get(cursor, size=3)
        assert len(queries) == 1
        assert "OFFSET" not in queries[0]["sql"]
        cursor = found.older


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "🙂",
        "bzI1MzQwMjMwMDc5OTk5OTk5OXxh",  # o253402300799999999|a, the last moment of all
        "bzF8AA",  # o1| and a NUL
        "eDF8YQ",  # x1|a
        "b18xfGE",  # o_1|a
        "bzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OXxh",  # no such year
        "b9mjfGE",  # an Arabic digit
    ],
)
def test_a_damaged_address_is_said_to_be_one(cursor: str) -> None:
    with pytest.raises(FilterError, match="go back to the first page"):
        get(cursor)


def test_without_a_size_the_setting_holds(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"PAGE_SIZE": 3}
    keep(*range(5))
    assert len(page(Task.objects.all(), EVERYTHING).items) == 3


def test_running_is_whatever_is_nothing_else() -> None:
    own = ["PROGRESS", "progress", "", "AAA", "PENDING2", "pending", "SUCCES", "ZZZ", "žluť"]
    states = [*GROUP_OF, *own]
    for number, state in enumerate(states):
        a_task(f"a{number}", state=state)
    found = get(size=100, expression=Term("state", "running"))
    assert sorted(task.state for task in found.items) == sorted([*own, "STARTED"])


# Text search


def test_a_search_in_nothing_finds_nothing() -> None:
    for rows in (Task.objects.none(), Task.objects.filter(pk__in=[])):
        assert page(rows, Term("q", "x")).items == []


def test_a_search_says_when_it_did_not_look_at_everything(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 3}
    for number in range(5):
        a_task(f"a{number}", search="(1, 'žluť')", time=T0 + timedelta(seconds=number))
    found = get(size=10, expression=Term("q", "ŽLUŤ"))
    assert found.searched_since == T0 + timedelta(seconds=2)
    assert ids(found) == ["a4", "a3", "a2"]


def test_a_search_looks_further_from_where_it_ended(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 3}
    for number in range(10):
        text = "x" if number in {0, 1, 8} else "y"
        a_task(f"a{number}", search=text, time=T0 + timedelta(seconds=number))
    sought = Term("q", "x")
    met, looked = [], []
    cursor: str | None = ""
    while cursor is not None:
        found = get(cursor, size=2, expression=sought)
        met.append(ids(found))
        looked.append(found.searched_since)
        last, cursor = found, found.older
    assert met == [["a8"], [], ["a1"], ["a0"]]
    assert looked == [T0 + timedelta(seconds=second) for second in (7, 4, 1)] + [None]
    back = []
    while last.newer is not None:
        last = get(last.newer, size=2, expression=sought)
        back.append(ids(last))
    assert [task_id for found in back for task_id in found] == ["a1", "a8"]


def test_a_search_looks_only_at_what_an_index_finds(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 2}
    for number in range(8):
        name = "shop.rare" if number < 2 else "shop.often"
        a_task(f"a{number}", name=name, runtime=60.0, time=T0 + timedelta(seconds=number))
    rare = And((Term("name", "shop.rare"), Term("runtime", ">30s")))
    found = get(size=10, expression=rare)
    assert (ids(found), found.searched_since) == (["a1", "a0"], None)


def test_times_that_are_equal_do_not_hide_a_task_from_a_search(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 2}
    keep(1, 1, 1, 1, 2)
    met: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found = get(cursor, size=10, expression=Not(Term("name", "other")))
        met += ids(found)
        cursor = found.older
    assert sorted(met) == ["a0", "a1", "a2", "a3", "a4"]


def test_a_search_that_looked_at_everything_says_nothing(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 5}
    for number in range(5):
        a_task(f"a{number}", search="x" if number % 2 else "y")
    found = get(size=10, expression=Term("q", "x"))
    assert (len(found.items), found.searched_since) == (2, None)


@pytest.mark.parametrize("text", ["100%", "a_b", "back\\slash", "'quote\""])
def test_a_search_takes_its_text_literally(text: str) -> None:
    a_task("found", search=f"before {text} after")
    a_task("other", search="100 axb backslash quote")
    assert ids(get(size=10, expression=Term("q", text))) == ["found"]
