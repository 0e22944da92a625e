"""What the events say of a task before it runs: that it was published, sent, received."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django_celery_monitor.events import PUBLISHED, TaskEvent


class Announced(NamedTuple):
    """The data of the first publishing, sending and receiving, and the latest by attempt."""

    published: dict[str, Any]
    # With what the recorder tells, which counts more than what the same process sent.
    sent: dict[str, Any]
    latest_sent: TaskEvent | None
    received: dict[str, Any]
    # The sending or receiving that speaks of the latest attempt; of the same, the receiving.
    latest: dict[str, Any]


def announced(events: list[TaskEvent]) -> Announced:
    published = first_sent = latest_sent = first_received = latest_received = None
    for event in events:
        kind = event.type
        if kind == "received":
            first_received = first_received or event
            latest_received = _later_attempt(latest_received, event)
        elif kind == "sent":
            first_sent = first_sent or event
            latest_sent = _later_attempt(latest_sent, event)
        elif kind == PUBLISHED:
            published = published or event
            latest_sent = _later_attempt(latest_sent, event)
    told = published.data if published else _NOTHING
    sent = first_sent.data if first_sent else _NOTHING
    latest = latest_sent or latest_received
    if latest_sent and latest_received:
        latest = _later_attempt(latest_sent, latest_received)
    return Announced(
        told,
        sent | told if told else sent,
        latest_sent,
        first_received.data if first_received else _NOTHING,
        latest.data if latest else _NOTHING,
    )


_NOTHING: Final[dict[str, Any]] = {}


def _later_attempt(one: TaskEvent | None, other: TaskEvent) -> TaskEvent:
    if one is None or other.data.get("retries", 0) >= one.data.get("retries", 0):
        return other
    return one
