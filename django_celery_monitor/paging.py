"""Pages by key: the position is (time, id), so that no page costs more for lying further back."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from django_celery_monitor.conf import get_settings
from django_celery_monitor.filters import And, Expression, FilterError, split, to_q
from django_celery_monitor.models import Task
from django_celery_monitor.walks import Span, Way, span_of, ways

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# The most rows looked at on a way that leads all over the table: each is on a page of its own.
SCATTERED = 10_000
LAST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tasks, newest first. ``older`` and ``newer`` are cursors, ``None`` at the ends.

    ``searched_since`` is how far back a search looked; ``None`` when it saw everything, or found
    a whole page before. ``older`` looks further then.
    """

    items: list[Task]
    older: str | None
    newer: str | None
    searched_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page begins; ``newer``: and goes backwards. Without ``time`` at the newest."""

    newer: bool = False
    time: datetime | None = None
    id: str = ""

    def beyond(self) -> Q:
        if self.time is None:
            return Q()
        if self.newer:
            return Q(time__gte=self.time) & (Q(time__gt=self.time) | Q(id__gt=self.id))
        return Q(time__lte=self.time) & (Q(time__lt=self.time) | Q(id__lt=self.id))

    def span(self) -> Span:
        return Span(first=self.time) if self.newer else Span(last=self.time)

    def order(self) -> tuple[str, str]:
        return ("time", "id") if self.newer else ("-time", "-id")


def page(
    queryset: QuerySet[Task], expression: Expression, cursor: str = "", size: int | None = None
) -> Page:
    """One page of ``queryset``; raises ``FilterError`` for a bad cursor.

    What no index finds is looked for among the next ``SEARCH_WINDOW`` rows that indexes find, or
    ``SCATTERED`` where they do not lie side by side.
    """
    size = size or get_settings().PAGE_SIZE
    position = position_of(cursor)
    found, sought = split(expression)
    each, found, aside = ways(found, queryset.db)
    sought = And(sought.parts + aside.parts)
    matching = queryset.filter(to_q(found) & position.beyond())
    span = span_of(found).within(position.span())
    edge = _edge(matching, each, span, position) if sought.parts else None
    if edge is not None:
        bound = Span(last=edge) if position.newer else Span(first=edge)
        span = span.within(bound)
        matching = matching.filter(bound.condition())
    rows = _rows(matching.filter(to_q(sought)), each, span, position, size + 1)
    more = len(rows) > size
    return _page(rows[:size], position, more, None if more else edge)


def beside(
    queryset: QuerySet[Task], expression: Expression, task: Task
) -> tuple[Task | None, Task | None]:
    """The next newer and the next older one of a list, found as its pages are."""
    places = (_cursor("n", task), _cursor("o", task))
    newer, older = (page(queryset, expression, place, 1).items for place in places)
    return next(iter(newer), None), next(iter(older), None)


def _rows(
    matching: QuerySet[Task], each: list[Way], span: Span, position: Position, count: int
) -> list[Task]:
    """The next so many on all ways together."""
    found = [task for way in each for task in way.along(matching, span, *position.order())[:count]]
    if len(each) > 1:
        found.sort(key=lambda task: (task.time, task.id), reverse=not position.newer)
    return found[:count]


def _page(rows: list[Task], position: Position, more: bool, edge: datetime | None) -> Page:
    if position.newer:
        rows.reverse()
        newer = _cursor("n", rows[0]) if more else _further("n", edge, MICROSECOND)
        older = _cursor("o", rows[-1]) if rows else _back(position)
        return Page(items=rows, older=older, newer=newer, searched_since=None)
    older = _cursor("o", rows[-1]) if more else _further("o", edge)
    newer = None
    if position.time is not None:
        newer = _cursor("n", rows[0]) if rows else _back(position)
    return Page(items=rows, older=older, newer=newer, searched_since=edge)


def _back(position: Position) -> str | None:
    """From an empty page to where the reader came from."""
    if position.time is None:
        return None
    if position.newer:
        return _encode("o", position.time + MICROSECOND)
    return _encode("n", position.time)


def _edge(
    matching: QuerySet[Task], each: list[Way], span: Span, position: Position
) -> datetime | None:
    """The time of the last row that is looked at; ``None`` when there are no more than those."""
    share = max(get_settings().SEARCH_WINDOW // len(each), 1) if each else 1
    edges = []
    for way in each:
        window = min(share, SCATTERED) if way.column else share
        times = way.along(matching, span, position.order()[0]).values_list("time", flat=True)
        last = list(times[window - 1 : window + 1])
        if len(last) > 1:
            edges.append(last[0])
    nearest = min if position.newer else max
    return nearest(edges, default=None)


def _further(direction: str, edge: datetime | None, step: timedelta = timedelta()) -> str | None:
    """From where a search stopped; ``None`` when it saw everything."""
    return None if edge is None else _encode(direction, edge + step)


def _cursor(direction: str, task: Task) -> str:
    return _encode(direction, task.time, task.id)


def _encode(direction: str, time: datetime, task_id: str = "") -> str:
    micros = (time - EPOCH) // MICROSECOND
    return base64.urlsafe_b64encode(f"{direction}{micros}|{task_id}".encode()).decode().rstrip("=")


def position_of(cursor: str) -> Position:
    """Raises ``FilterError`` for a cursor that no page gave."""
    if not cursor:
        return Position()
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        found = re.fullmatch(r"([on])(-?[0-9]{1,18})\|([^\0]*)", text, re.DOTALL)
        if found is None:
            raise ValueError(text)
        time = EPOCH + timedelta(microseconds=int(found[2]))
        # The last moment that there is has none after it to go on from.
        if time > LAST:
            raise ValueError(text)
        return Position(newer=found[1] == "n", time=time, id=found[3])
    except (ValueError, OverflowError) as error:
        raise FilterError(_("This page address is damaged: go back to the first page.")) from error
