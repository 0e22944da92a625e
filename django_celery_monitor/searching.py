"""What no index finds is looked for row by row: so far, and for so long, and no further."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from django.db.models import Q, QuerySet

from django_celery_monitor.conf import get_settings
from django_celery_monitor.in_time import in_time
from django_celery_monitor.models import Task
from django_celery_monitor.walks import Span, Way

# Seconds that somebody who waits for a page is let wait for a search.
PATIENCE: Final = 0.045
# The most rows looked at on a way that leads all over the table: each is on a page of its own.
SCATTERED: Final = 10_000
# Looked at before anybody knows how long rows take: side by side, or all over the table.
_FIRST: Final = 2000
_FIRST_SCATTERED: Final = 100
# So many times more of them next time, at most.
_GROWTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """``edge``: the time of the last row looked at, ``None`` if there are no more.

    ``looked_at``: how many rows those were; ``None`` where nobody counts them.
    """

    rows: list[Task]
    edge: datetime | None
    looked_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Tasks on some ``ways``, in one direction of time, from ``start`` on.

    ``near`` says of the start what indexes know, so maybe a few rows more.
    """

    tasks: QuerySet[Task]
    ways: list[Way]
    span: Span
    newer: bool
    start: Q
    near: Q

    def first(self, count: int, where: Q | None = None, span: Span | None = None) -> list[Task]:
        """The next so many rows, of those ``where`` something holds, on all ways together."""
        rows = self.tasks.filter(self.start, where or Q())
        order = ("time", "id") if self.newer else ("-time", "-id")
        found = [
            task for way in self.ways for task in way.along(rows, span or self.span, *order)[:count]
        ]
        if len(self.ways) > 1:
            found.sort(key=lambda task: (task.time, task.id), reverse=not self.newer)
        return found[:count]

    def edge(self, count: int) -> datetime | None:
        """The time of the row so far on; ``None`` when there are no more than those."""
        rows, order = self.tasks.filter(self.near), "time" if self.newer else "-time"
        share = max(count // len(self.ways), 1) if self.ways else 1
        edges = []
        for way in self.ways:
            times = way.along(rows, self.span, order).values_list("time", flat=True)
            last = list(times[share - 1 : share + 1])
            if len(last) > 1:
                edges.append(last[0])
        nearest = min if self.newer else max
        return nearest(edges, default=None)

    def up_to(self, edge: datetime) -> Span:
        return Span(last=edge) if self.newer else Span(first=edge)

    def beyond(self, edge: datetime) -> Ground:
        start = Q(time__gt=edge) if self.newer else Q(time__lt=edge)
        span = self.span.within(Span(first=edge) if self.newer else Span(last=edge))
        return replace(self, span=span, start=start, near=start)


def search(ground: Ground, sought: Q, count: int, seconds: float | None) -> Searched:
    """The next so many rows of ``ground`` of which ``sought`` holds.

    Looks at ``SEARCH_WINDOW`` rows, stretch by stretch, and gives up one that does not end within
    ``seconds``, but for the first (``None``: however long it takes).
    """
    scattered = any(way.column for way in ground.ways)
    window = get_settings().SEARCH_WINDOW
    left = min(window, SCATTERED) if scattered else window
    stretch = left if seconds is None else min(left, _FIRST_SCATTERED if scattered else _FIRST)
    begun = started = time.perf_counter()
    rows, edge = _look(ground, sought, count, stretch)
    looked_at = stretch
    while seconds is not None and edge and len(rows) < count:
        now = time.perf_counter()
        rest = seconds - (now - begun)
        stretch = _following(stretch, now - started, rest, left - looked_at)
        if not stretch:
            break
        ground, started = ground.beyond(edge), now
        look = partial(_look, ground, sought, count - len(rows), stretch)
        seen = in_time(ground.tasks.db, rest, look)
        if seen is None:
            break
        rows, edge = rows + seen[0], seen[1]
        looked_at += stretch
    return Searched(rows=rows, edge=edge, looked_at=looked_at if len(ground.ways) == 1 else None)


def _look(
    ground: Ground, sought: Q, count: int, stretch: int
) -> tuple[list[Task], datetime | None]:
    """What is found in one stretch, and where that ends."""
    edge = ground.edge(stretch)
    bound = ground.up_to(edge) if edge else Span()
    where = sought & bound.condition()
    return ground.first(count, where, ground.span.within(bound)), edge


def _following(looked_at: int, took: float, rest: float, left: int) -> int:
    """How many rows to look at next, if so many took so long; 0 where that would tell little."""
    possible = min(int(looked_at * rest / max(took, 0.0001)), looked_at * _GROWTH, left)
    return possible if possible >= min(looked_at // 4, left) else 0
