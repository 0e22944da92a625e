from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.state.sketch import Bins, bin_of, merge, quantile, seconds_of
from tests.streams import examples

durations = st.integers(2, 10**13)


def sketch(microseconds: list[int]) -> Bins:
    bins: Bins = {}
    for each in microseconds:
        bins[bin_of(each)] = bins.get(bin_of(each), 0) + 1
    return bins


@examples(300)
@given(microseconds=durations)
def test_a_bin_stands_for_its_durations_within_two_percent(microseconds: int) -> None:
    assert seconds_of(bin_of(microseconds)) == pytest.approx(microseconds / 1e6, rel=0.02)


@examples(100)
@given(values=st.lists(durations, min_size=1, max_size=50), q=st.sampled_from((0, 0.5, 0.95, 1)))
def test_quantiles_are_within_two_percent_of_a_value_that_was_there(
    values: list[int], q: float
) -> None:
    true = sorted(values)[int(q * (len(values) - 1))]
    assert quantile(sketch(values), q) == pytest.approx(true / 1e6, rel=0.02)


@examples(100)
@given(one=st.lists(durations), other=st.lists(durations))
def test_sketches_add_up(one: list[int], other: list[int]) -> None:
    assert merge([sketch(one), sketch(other)]) == sketch(one + other)


def test_bins_are_in_the_order_of_durations_and_the_first_holds_next_to_nothing() -> None:
    assert bin_of(0) == bin_of(1) == 0
    indexes = [bin_of(10**power) for power in range(14)]
    assert indexes == sorted(set(indexes))


def test_there_is_no_quantile_of_nothing() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None
