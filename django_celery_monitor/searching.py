"""What no index finds is looked for row by row: so far, and for so long, and no further."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from django_celery_monitor.conf import get_settings
from django_celery_monitor.models import Task
from django_celery_monitor.walks import Span, Way

# Seconds that somebody who waits for a page is let wait for a search.
PATIENCE: Final = 0.06
# The most rows looked at on a way that leads all over the table: each is on a page of its own.
SCATTERED: Final = 10_000
# Looked at before anybody knows how long rows take: side by side, or all over the table.
_FIRST: Final = 4000
_FIRST_SCATTERED: Final = 400
# So many times more of them next time, at most.
_GROWTH: Final = 5


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

    Looks at ``SEARCH_WINDOW`` rows, stretch by stretch, and begins none that would end after
    ``seconds`` (``None``: however long it takes).
    """
    scattered = any(way.column for way in ground.ways)
    window = get_settings().SEARCH_WINDOW
    left = min(window, SCATTERED) if scattered else window
    stretch = left if seconds is None else min(left, _FIRST_SCATTERED if scattered else _FIRST)
    rows: list[Task] = []
    looked_at, begun = 0, time.perf_counter()
    while True:
        started = time.perf_counter()
        edge = ground.edge(stretch)
        bound = ground.up_to(edge) if edge else Span()
        where = sought & bound.condition()
        rows += ground.first(count - len(rows), where, ground.span.within(bound))
        looked_at, left = looked_at + stretch, left - stretch
        if edge is None or len(rows) >= count:
            break
        now = time.perf_counter()
        rest = 0.0 if seconds is None else seconds - (now - begun)
        following = _following(stretch, now - started, rest, left)
        if not following:
            break
        ground, stretch = ground.beyond(edge), following
    return Searched(rows=rows, edge=edge, looked_at=looked_at if len(ground.ways) == 1 else None)


def _following(looked_at: int, took: float, rest: float, left: int) -> int:
    """How many rows to look at next, if so many took so long; 0 where that would tell little."""
    possible = min(int(looked_at * rest / max(took, 0.0001)), looked_at * _GROWTH, left)
    return possible if possible >= min(looked_at // 4, left) else 0
