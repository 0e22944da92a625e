"""The shop does no real work: it takes time and has bad luck."""

from __future__ import annotations

import random
import time


def work(median: float, spread: float = 0.4) -> None:
    """Take about ``median`` seconds; now and then much longer, as real work does."""
    time.sleep(random.lognormvariate(0, spread) * median)


def chance(probability: float) -> bool:
    return random.random() < probability
