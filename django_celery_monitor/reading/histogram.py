"""A sketch of durations as a few bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django_celery_monitor.state.sketch import Bins, seconds_of

BARS: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How many durations (in seconds) are above ``low`` and up to ``high``."""

    low: float
    high: float
    number: int


def histogram(bins: Bins) -> list[Bar]:
    """Equally wide on a logarithmic scale, from the shortest to the longest; none of nothing."""
    counted = {index: number for index, number in bins.items() if number > 0}
    if not counted:
        return []
    first, last = min(counted), max(counted)
    width = -(-(last - first + 1) // BARS)
    # What is left over lies on both sides, so that few durations stand in the middle.
    first -= (BARS * width - (last - first + 1)) // 2
    numbers = [0] * BARS
    for index, number in counted.items():
        numbers[(index - first) // width] += number
    edges = [seconds_of(first + place * width - 1) for place in range(BARS + 1)]
    return [
        Bar(low=low, high=high, number=number)
        for low, high, number in zip(edges, edges[1:], numbers, strict=False)
    ]
