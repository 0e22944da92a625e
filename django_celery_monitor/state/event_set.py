"""A task's truth is the set of its events: union, and a cap that keeps every kind of event."""

from __future__ import annotations

import json
from operator import itemgetter, lt
from typing import Final

from django_celery_monitor.events import PUBLISHED, SETTLED, TaskEvent

# So many of the earliest and so many of the latest are kept, of each type.
KEEP: Final = 16
KNOWN_TYPES: Final = frozenset(
    {
        "sent",
        "received",
        "started",
        "succeeded",
        "failed",
        "retried",
        "rejected",
        "revoked",
        "cancelled",
        PUBLISHED,
        SETTLED,
    }
)

_time = itemgetter(0)
identity = itemgetter(0, 1, 2, 3, 4)


def union(known: list[TaskEvent], new: list[TaskEvent]) -> list[TaskEvent]:
    """Both together, each event once, in the total order, capped; ``known`` itself if none is new.

    Capping is a choice by the total order alone, so that any grouping of unions ends the same.
    """
    # Nearly always: few events, all at times of their own, and later than those that are known.
    events = [*known, *sorted(new, key=_time)]
    if len(events) <= 2 * KEEP and all(map(lt, map(_time, events), map(_time, events[1:]))):
        return events if new else known
    return _any_union(known, new)


def _any_union(known: list[TaskEvent], new: list[TaskEvent]) -> list[TaskEvent]:
    found = {identity(event): event for event in known}
    size, replaced = len(found), False
    for event in new:
        seen = found.setdefault(identity(event), event)
        if seen.data != event.data and _content(seen) < _content(event):
            found[identity(event)] = event
            replaced = True
    if known and len(found) == size and not replaced:
        return known
    events = sorted(found.values(), key=identity)
    if len(events) <= 2 * KEEP:
        return events
    capped = _cap(events)
    return known if capped == known else capped


def _content(event: TaskEvent) -> str:
    """Decides which of two events counts that differ, but claim to be one and the same."""
    # Stored events have lost their tracebacks.
    data = {field: value for field, value in event.data.items() if field != "traceback"}
    return json.dumps(data, sort_keys=True)


def _cap(events: list[TaskEvent]) -> list[TaskEvent]:
    by_type: dict[str, list[int]] = {}
    for index, event in enumerate(events):
        # An app may invent any number of types; together they count as one.
        kind = event.type if event.type in KNOWN_TYPES else ""
        by_type.setdefault(kind, []).append(index)
    kept: set[int] = set()
    for indexes in by_type.values():
        kept.update(indexes[:KEEP])
        kept.update(indexes[-KEEP:])
    return [events[index] for index in sorted(kept)]
