from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from django_celery_monitor.filters import (
    FIELDS,
    And,
    FilterError,
    Not,
    Or,
    Term,
    from_params,
    moment,
    state_name,
    terms,
    to_q,
)
from django_celery_monitor.models import Task
from django_celery_monitor.state.states import GROUP_OF


def sql(condition: Q) -> str:
    return str(Task.objects.filter(condition).query)


def test_different_parameters_must_all_hold_and_repeated_ones_are_alternatives() -> None:
    found = from_params(QueryDict("state=FAILURE&name=shop.a&name=shop.b&page=2"))
    names = Or((Term("name", "shop.a"), Term("name", "shop.b")))
    assert found == And((Term("state", "FAILURE"), names))


def test_empty_values_are_no_filters() -> None:
    assert from_params(QueryDict("state=&name=+&q=")) == And(())
    assert to_q(And(())) == Q()


def test_a_plain_mapping_is_read_like_a_query_string() -> None:
    assert from_params({"worker": "w1@host", "other": "x"}) == And((Term("worker", "w1@host"),))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=shop.pay", Q(name="shop.pay")),
        ("name=shop.*", Q(name__startswith="shop.")),
        ("worker=w1@host", Q(worker="w1@host")),
        ("queue=mail", Q(queue="mail")),
        ("id=abc*", Q(id__startswith="abc")),
        ("root=abc", Q(root_id="abc") | Q(id="abc")),
        ("parent=abc", Q(parent_id="abc")),
        ("q=Žluť", Q(search__contains="žluť")),
        ("state=failed", Q(state__in=("FAILURE", "REJECTED"))),
        ("state=failure", Q(state="FAILURE")),
    ],
)
def test_what_a_term_means(query: str, expected: Q) -> None:
    assert sql(to_q(from_params(QueryDict(query)))) == sql(expected)


def test_running_takes_in_the_states_that_apps_invent() -> None:
    others = sorted(state for state, group in GROUP_OF.items() if group != "running")
    assert "STARTED" not in others
    condition = sql(to_q(Term("state", "running")))
    assert f"IN ({', '.join(others)})" in condition.partition("NOT")[2]
    # What no index can find alone has ranges beside it.
    assert condition.count('"state" > ') == condition.count('"state" < ') == len(others)


def test_an_apps_own_state_is_found_as_it_is_written() -> None:
    assert to_q(Term("state", "halfway")) == Q(state="halfway")
    assert (state_name("success"), state_name("Halfway")) == ("SUCCESS", "Halfway")


def test_a_negated_expression() -> None:
    either = Or((Term("queue", "a"), Term("queue", "b")))
    assert sql(to_q(Not(either))) == sql(~(Q(queue="a") | Q(queue="b")))
    assert terms(And((Not(either), Term("q", "x")))) == [*either.parts, Term("q", "x")]


def test_what_is_excluded_has_a_minus_in_the_address() -> None:
    found = from_params(QueryDict("-queue=a&-queue=b&-state=failed&state=running"))
    either = Or((Term("queue", "a"), Term("queue", "b")))
    assert found == And((Term("state", "running"), Not(Term("state", "failed")), Not(either)))


def test_texts_and_comparisons_must_all_hold() -> None:
    found = from_params(QueryDict("q=a&q=b&runtime=>1s&runtime=<2s"))
    bounds = (Term("runtime", ">1s"), Term("runtime", "<2s"))
    assert found == And((*bounds, Term("q", "a"), Term("q", "b")))


@pytest.mark.parametrize(
    ("value", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_a_time_given_as_an_age(value: str, ago: timedelta) -> None:
    before = timezone.now()
    assert before - ago <= moment(value) <= timezone.now() - ago


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31T14:00Z", datetime(2026, 1, 31, 14, tzinfo=UTC)),
        ("2026-01-31T14:00:30.5+02:00", datetime(2026, 1, 31, 12, 0, 30, 500_000, tzinfo=UTC)),
        ("2026-01-31T14:00:30 02:00", datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_a_time_in_iso_8601(value: str, expected: datetime) -> None:
    with timezone.override(UTC):
        assert moment(value) == expected


def test_a_time_without_a_zone_is_in_the_current_one() -> None:
    with timezone.override("Europe/Prague"):
        assert moment("2026-07-01T14:00") == datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "15", "15y", "-5m", "2026-13-01", "2026-01-32T00:00", "٣d"),
        # None of these is a moment that a database keeps, and none may end as a server error.
        *("999999w", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_what_is_no_time_is_refused_with_advice(value: str) -> None:
    with pytest.raises(FilterError, match="use 15m, 2h, 7d or"):
        from_params({"after": value})


@pytest.mark.parametrize("field", FIELDS)
def test_a_nul_character_is_refused_before_a_database_refuses_it(field: str) -> None:
    with pytest.raises(FilterError):
        from_params({field: "a\0b"})


def test_more_alternatives_than_a_database_takes_are_refused() -> None:
    from_params(QueryDict("&".join(f"name={number}" for number in range(100))))
    with pytest.raises(FilterError, match="name is given 101 times; at most 100"):
        from_params(QueryDict("&".join(f"name={number}" for number in range(101))))
