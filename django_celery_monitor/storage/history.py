"""What happened to workers and how busy they were: ``WorkerEvent`` and ``WorkerSample`` rows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from django_celery_monitor.events import WorkerEvent as Event
from django_celery_monitor.models import WorkerEvent, WorkerSample
from django_celery_monitor.state.contributions import minute_of
from django_celery_monitor.storage.bulk import upsert
from django_celery_monitor.storage.rows import moment
from django_celery_monitor.storage.workers import process_id, status

_EVENT_KEY: Final = ("worker", "time", "type", "pid")
_SAMPLE_KEY: Final = ("worker", "minute")
_FIGURES: Final = ("event_at", "active", "processed", "load")


def record(events: list[Event], using: str) -> bool:
    """Write what is new and say whether anything was; any order of events ends in the same rows."""
    came_or_went = [event for event in events if event.type in WorkerEvent.Type.values]
    # A heartbeat on demand says nothing of the load.
    beats = [event for event in events if event.type == "heartbeat" and "active" in event.data]
    # Not short-circuited: both are to be written.
    return any([_record_events(came_or_went, using), _record_samples(beats, using)])


def _record_events(events: list[Event], using: str) -> bool:
    found = {
        (event.hostname, moment(event.timestamp), event.type, process_id(event)) for event in events
    }
    if not found:
        return False
    rows = WorkerEvent.objects.using(using)
    stored = rows.filter(worker__in={key[0] for key in found}, time__in={key[1] for key in found})
    new = sorted(found.difference(stored.values_list(*_EVENT_KEY)))
    rows.bulk_create(WorkerEvent(**dict(zip(_EVENT_KEY, key, strict=True))) for key in new)
    return bool(new)


def _record_samples(beats: list[Event], using: str) -> bool:
    latest: dict[tuple[str, datetime], tuple[Any, ...]] = {}
    for event in beats:
        key = event.hostname, moment(minute_of(event.timestamp))
        figures = _figures(event)
        latest[key] = max(latest.get(key, figures), figures, key=_order)
    if not latest:
        return False
    rows = WorkerSample.objects.using(using).filter(
        worker__in={key[0] for key in latest}, minute__in={key[1] for key in latest}
    )
    for worker, minute, *figures in rows.values_list(*_SAMPLE_KEY, *_FIGURES):
        known = latest.get((worker, minute))
        if known and _order(known) <= _order(figures):
            del latest[worker, minute]
    new = [(*key, *figures) for key, figures in sorted(latest.items())]
    upsert(WorkerSample, (*_SAMPLE_KEY, *_FIGURES), _SAMPLE_KEY, new, using)
    return bool(new)


def _figures(event: Event) -> tuple[Any, ...]:
    said = status(event.data)
    load = said["loadavg"]
    return (
        moment(event.timestamp),
        said["active"],
        said["processed"],
        float(load[0]) if load else None,
    )


def _order(figures: Any) -> tuple[datetime, str]:
    """Of two heartbeats at one moment it is always the same one that counts."""
    return figures[0], json.dumps(figures[1:])
