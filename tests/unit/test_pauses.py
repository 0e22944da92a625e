from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.upkeep.open_rows import Pauses

PAUSES = Pauses(60, 3600)


def test_a_row_is_due_after_a_pause_that_doubles_until_it_is_the_longest() -> None:
    ages = range(0, 4 * 3600, 10)
    due = [age for age in ages if PAUSES.asked_by(age) > PAUSES.asked_by(age - 10)]
    assert due == [60, 120, 240, 480, 960, 1920, 1920 + 3600, 1920 + 7200, 1920 + 10800]


@given(st.floats(1e-3, 1e4), st.floats(1e-3, 1e6), st.floats(-1e6, 1e9), st.floats(0, 1e6))
def test_no_pause_is_longer_than_the_longest(
    first: float, longest: float, age: float, since: float
) -> None:
    pauses = Pauses(first, longest)
    assert pauses.asked_by(age) <= pauses.asked_by(age + since)
    if age >= 2 * first:
        assert pauses.asked_by(age + 2 * max(first, longest)) > pauses.asked_by(age)
