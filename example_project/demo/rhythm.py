"""How busy the shop is: quiet at night, busiest in the evening, and a sale has just begun."""

from __future__ import annotations

import math

DAY = 86_400.0
# While the demo runs.
LIVE_STORIES_PER_MINUTE = 36.0
# A week ago, averaged over the day.
USUAL_STORIES_PER_MINUTE = 1.1
SALE_GROWTH = 3_600.0


def stories_per_minute(at: float, now: float) -> float:
    """For any second before ``now``, which is when the sale reaches what the demo keeps up."""
    hours = at % DAY / 3_600
    daily = 1 + 0.8 * math.sin((hours - 13) * math.pi / 12)
    weekend = 0.7 if at // DAY % 7 in (2, 3) else 1.0
    sale = LIVE_STORIES_PER_MINUTE * math.exp((at - now) / SALE_GROWTH)
    return USUAL_STORIES_PER_MINUTE * daily * weekend + sale


def wave(at: float) -> float:
    """Around 1: customers come in waves of a few minutes."""
    return 1 + 0.2 * math.sin(at / 47) + 0.1 * math.sin(at / 13)
