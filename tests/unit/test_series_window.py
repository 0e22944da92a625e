"""Which steps a chart has, and of which counts it is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.filters import FilterError
from django_celery_monitor.models import TaskStats
from django_celery_monitor.reading.series_window import (
    MOST_POINTS,
    MOST_ROWS,
    RANGES,
    Window,
    window_of,
)
from django_celery_monitor.upkeep.retention import KEEP_STATS

NOW = datetime(2026, 5, 4, 13, 37, 12, tzinfo=UTC)
UNITS = {
    TaskStats.Period.MINUTE: timedelta(minutes=1),
    TaskStats.Period.HOUR: timedelta(hours=1),
    TaskStats.Period.DAY: timedelta(days=1),
}


@pytest.mark.parametrize("key", RANGES)
def test_every_range_has_as_many_points_as_a_chart_has_room_for(key: str) -> None:
    window = window_of({"range": key}, NOW)
    fewest = 15 if key == "15m" else 60
    assert fewest <= len(window) <= 180
    assert window.length == RANGES[key]
    assert window.start + (len(window) - 1) * window.step <= NOW < window.end


def test_nothing_given_is_the_last_hour_by_the_minute() -> None:
    window = window_of({}, NOW)
    assert (window.key, len(window), window.period) == ("1h", 60, TaskStats.Period.MINUTE)


@given(
    ago=st.timedeltas(timedelta(seconds=1), timedelta(days=729)),
    length=st.timedeltas(timedelta(seconds=1), timedelta(days=800)),
    labels=st.integers(1, 501),
)
def test_any_stretch_is_bounded_in_points_and_in_rows_and_made_of_what_is_kept(
    ago: timedelta, length: timedelta, labels: int
) -> None:
    start = NOW - ago
    window = window_of({"from": _iso(start), "to": _iso(start + length)}, NOW, labels)
    assert 1 <= len(window) <= MOST_POINTS + 2
    assert window.start <= start
    assert window.end >= min(start + length, NOW)
    assert NOW - start <= KEEP_STATS[window.period] + timedelta(days=1)
    if window.period is not TaskStats.Period.DAY:
        assert (window.length // UNITS[window.period] - 2 * window.step // UNITS[window.period]) * (
            labels
        ) <= MOST_ROWS
    _steps_are_whole(window)


def _steps_are_whole(window: Window) -> None:
    assert window.step % UNITS[window.period] == timedelta()
    assert window.start.timestamp() % window.step.total_seconds() == 0
    assert list(window.starts)[-1] + window.step == window.end
    assert window.before.end == window.start
    assert len(window.before) == len(window)


def _iso(time: datetime) -> str:
    return time.isoformat()


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"range": "2y"}, "2y is not a range: use 15m, 1h, 6h"),
        ({"from": "yesterday"}, "yesterday is not a time"),
        ({"from": "1h", "to": "2h"}, "must begin before it ends"),
        ({"from": "2027-01-01T00:00"}, "before now"),
        ({"from": "2020-01-01T00:00"}, "Counts are kept for 730 days"),
        ({"to": "x" * 500}, "is not a time"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(params: dict[str, str], reason: str) -> None:
    with pytest.raises(FilterError, match=reason):
        window_of(params, NOW)
