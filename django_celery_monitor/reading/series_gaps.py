"""Times of a chart that nobody knows anything about: gaps, not zeroes."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What collectors say of the time since ``start``; ``begun``: when the first one began."""

    start: datetime
    now: datetime
    begun: datetime | None
    heard: Listening
    noted: tuple[Hole, ...]

    def holes(self, window: Window, known_from: datetime | None) -> list[Hole]:
        """Those within a window, oldest first; ``known_from`` is its first time with counts."""
        begun = min((each for each in (self.begun, known_from) if each), default=self.now)
        found = [*self.noted, Hole(self.start, begun, _("nothing was recorded yet"))]
        if self.begun and not self.heard.on and self.heard.since:
            found.append(Hole(self.heard.since, self.now, _("no collector is listening")))
        end = min(window.end, self.now)
        cut = (Hole(max(each.start, window.start), min(each.end, end), each[2]) for each in found)
        return sorted(hole for hole in cut if hole.start < hole.end)


def coverage(start: datetime, now: datetime, heard: Listening) -> Coverage:
    """Two queries, however long it is."""
    rows = Gap.objects.filter(ended_at__gt=start).order_by("-ended_at")[:_MOST]
    return Coverage(
        start=start,
        now=now,
        begun=CollectorRun.objects.aggregate(first=Min("started_at"))["first"],
        heard=heard,
        noted=tuple(
            Hole(gap.started_at, gap.ended_at, str(gap.get_reason_display())) for gap in rows
        ),
    )


def unknown(window: Window, found: list[Hole]) -> set[int]:
    """The steps that holes touch: where nothing was counted there, nobody knows whether it was."""
    steps: set[int] = set()
    for hole in found:
        # A hole that ends with a step does not touch the next.
        last = -(-(hole.end - window.start) // window.step)
        steps.update(range(window.place(hole.start), min(last, len(window))))
    return steps
