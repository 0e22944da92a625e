"""Times of a chart that nobody knows anything about: gaps, not zeroes."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Min
from django.utils.translation import gettext as _

from django_celery_monitor.models import CollectorRun, Gap
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.reading.series_window import Window

_MOST: Final = 200


class Hole(NamedTuple):
    """A time of which events may be missing, and why."""

    start: datetime
    end: datetime
    reason: str


def holes(
    window: Window, now: datetime, known_from: datetime | None, heard: Listening
) -> list[Hole]:
    """Those within the window, oldest first; ``known_from`` is the first time that has counts."""
    rows = Gap.objects.filter(ended_at__gt=window.start, started_at__lt=window.end)
    found = [
        Hole(gap.started_at, gap.ended_at, str(gap.get_reason_display()))
        for gap in rows.order_by("-ended_at")[:_MOST]
    ]
    found += _at_the_ends(now, known_from, heard)
    end = min(window.end, now)
    cut = (Hole(max(hole.start, window.start), min(hole.end, end), hole.reason) for hole in found)
    return sorted(hole for hole in cut if hole.start < hole.end)


def unknown(window: Window, found: list[Hole]) -> set[int]:
    """The steps that holes touch: where nothing was counted there, nobody knows whether it was."""
    steps: set[int] = set()
    for hole in found:
        # A hole that ends with a step does not touch the next.
        last = -(-(hole.end - window.start) // window.step)
        steps.update(range(window.place(hole.start), min(last, len(window))))
    return steps


def _at_the_ends(now: datetime, known_from: datetime | None, heard: Listening) -> list[Hole]:
    """Before anything was recorded, and since nothing is any more."""
    never = datetime.min.replace(tzinfo=now.tzinfo)
    first = CollectorRun.objects.aggregate(first=Min("started_at"))["first"]
    begun = min((each for each in (first, known_from) if each), default=now)
    found = [Hole(never, begun, _("nothing was recorded yet"))]
    if first and not heard.on and heard.since:
        found.append(Hole(heard.since, now, _("no collector is listening")))
    return found
