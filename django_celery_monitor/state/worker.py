"""What may be said of a worker's health from what arrived from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# Seconds, however often a worker beats: a pause on the way is no end.
LATE_AT_LEAST: Final = 10.0
LOST_AT_LEAST: Final = 30.0


class Health(StrEnum):
    ONLINE = "online"
    LATE = "late"
    LOST = "lost"
    OFFLINE = "offline"
    # Nobody listens, or it sends no heartbeats: silence says nothing.
    UNKNOWN = "unknown"


def lost_after(freq: float) -> float:
    """Seconds of silence after which a worker that beats every ``freq`` seconds counts as lost."""
    return max(LOST_AT_LEAST, 5 * freq)


def late_after(freq: float) -> float:
    return max(LATE_AT_LEAST, 3 * freq)


def health(*, silence: float, freq: float | None, offline: bool, listened: float) -> Health:
    """Judge a worker.

    ``silence``: seconds since its last arrival; ``offline``: it said good-bye and nothing since;
    ``listened``: seconds that a collector has been listening without a break (0: none does).
    """
    if offline:
        return Health.OFFLINE
    if freq is None:
        return Health.UNKNOWN
    if silence <= late_after(freq):
        return Health.ONLINE
    if listened < silence and listened < lost_after(freq):
        return Health.UNKNOWN
    return Health.LOST if silence > lost_after(freq) else Health.LATE
