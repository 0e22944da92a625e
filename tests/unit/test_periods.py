"""Stretches of time as few rows of counts, and sketches as few bars."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.reading.histogram import BARS, histogram
from django_celery_monitor.reading.periods import DAY, HOUR, MINUTE, Piece, cover
from django_celery_monitor.state.sketch import bin_of

MINUTES = st.integers(0, 100 * DAY // MINUTE).map(lambda number: number * MINUTE)


def test_days_in_the_middle_and_smaller_at_the_ends() -> None:
    start, end = DAY - 2 * HOUR - 5 * MINUTE, 3 * DAY + HOUR
    assert cover(start, end) == [
        Piece(MINUTE, start, DAY - 2 * HOUR),
        Piece(HOUR, DAY - 2 * HOUR, DAY),
        Piece(DAY, DAY, 3 * DAY),
        Piece(HOUR, 3 * DAY, end),
    ]


@given(MINUTES, MINUTES)
def test_every_minute_is_covered_once_by_few_rows(start: int, end: int) -> None:
    pieces = cover(start, end)
    if start >= end:
        assert pieces == []
        return
    edges = [edge for piece in pieces for edge in (piece.start, piece.end)]
    assert edges[0] == start
    assert edges[-1] == end
    assert edges[1:-1:2] == edges[2::2]
    for piece in pieces:
        assert piece.start % piece.seconds == piece.end % piece.seconds == 0
    smaller = sum((p.end - p.start) // p.seconds for p in pieces if p.seconds < DAY)
    assert smaller <= 2 * (59 + 23)


def test_minutes_that_are_kept_no_more_are_not_asked_for() -> None:
    assert cover(HOUR, 2 * DAY, HOUR) == [Piece(HOUR, HOUR, DAY), Piece(DAY, DAY, 2 * DAY)]


@given(st.dictionaries(st.integers(0, 800), st.integers(0, 10**6), max_size=40))
def test_a_histogram_has_all_that_was_counted_and_always_as_many_bars(bins: dict[int, int]) -> None:
    bars = histogram(bins)
    assert len(bars) == (BARS if any(bins.values()) else 0)
    assert sum(bar.number for bar in bars) == sum(bins.values())
    for one, next_one in pairwise(bars):
        assert one.high == next_one.low > one.low


def test_a_duration_is_in_the_bar_it_belongs_to() -> None:
    [bar] = [bar for bar in histogram({bin_of(500_000): 3}) if bar.number]
    assert bar.low < 0.5 <= bar.high * 1.02
