"""Durations counted in logarithmic bins: any two sketches add up, percentiles within 2 %."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

GROWTH: Final = 1.04
_LOG_GROWTH: Final = math.log(GROWTH)

Bins = dict[int, int]


def bin_of(microseconds: int) -> int:
    """The bin of a duration; 0 holds everything up to one microsecond."""
    if microseconds <= 1:
        return 0
    return math.ceil(math.log(microseconds) / _LOG_GROWTH)


def seconds_of(index: int) -> float:
    """The duration that stands for a bin: at most 2 % from any in it."""
    return 2 * GROWTH**index / (GROWTH + 1) / 1_000_000


def merge(sketches: Iterable[Bins]) -> Bins:
    total: Bins = {}
    for bins in sketches:
        for index, count in bins.items():
            total[index] = total.get(index, 0) + count
    return total


def quantile(bins: Bins, q: float) -> float | None:
    """The ``q`` quantile (0 to 1) in seconds; ``None`` of nothing."""
    total = sum(bins.values())
    if total <= 0:
        return None
    rank = q * (total - 1)
    seen = 0
    for index in sorted(bins):
        seen += bins[index]
        if seen > rank:
            return seconds_of(index)
    return seconds_of(max(bins))
