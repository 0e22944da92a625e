"""When the collector listened to the broker, and what it found there."""

from __future__ import annotations

from typing import Final, NamedTuple

from django_celery_monitor.events import Timestamp


class Subscription(NamedTuple):
    """One time of listening. ``number`` counts them since the process began."""

    number: int
    started: Timestamp
    # Of a queue that keeps messages: whether there was none, and how many waited in it.
    new_queue: bool = False
    depth: int = 0


class Ended(NamedTuple):
    """How a subscription ended; ``by`` is a text of ``CollectorRun.ended_by``."""

    number: int
    at: Timestamp
    by: str


NONE: Final = Subscription(0, 0.0)
