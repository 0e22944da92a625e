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
from django_celery_monitor.searching import PATIENCE, Ground, Searched, search
from django_celery_monitor.walks import Span, span_of, ways

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LAST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tasks, newest first. ``older`` and ``newer`` are cursors, ``None`` at the ends.

    ``searched_since`` is how far back a search looked, at ``looked_at`` tasks (``None`` where they
    were not counted); it is ``None`` when it saw everything, or found a whole page before.
    ``older`` looks further then.
    """

    items: list[Task]
    older: str | None
    newer: str | None
    searched_since: datetime | None
    looked_at: int | None = None


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

    def near(self) -> Q:
        """The same without the id, which indexes by time do not know."""
        if self.time is None:
            return Q()
        if self.newer:
            return Q(time__gte=self.time)
        return Q(time__lte=self.time) if self.id else Q(time__lt=self.time)

    def span(self) -> Span:
        return Span(first=self.time) if self.newer else Span(last=self.time)


def page(
    queryset: QuerySet[Task],
    expression: Expression,
    cursor: str = "",
    size: int | None = None,
    seconds: float | None = PATIENCE,
) -> Page:
    """One page of ``queryset``; raises ``FilterError`` for a bad cursor.

    What no index finds is looked for as ``searching`` says, in hardly more than ``seconds``;
    ``None``: who asks can wait.
    """
    size = size or get_settings().PAGE_SIZE
    position = position_of(cursor)
    found, sought = split(expression)
    each, found, aside = ways(found, queryset.db)
    sought = And(sought.parts + aside.parts)
    ground = Ground(
        tasks=queryset.filter(to_q(found)),
        ways=each,
        span=span_of(found).within(position.span()),
        newer=position.newer,
        start=position.beyond(),
        near=position.near(),
    )
    if sought.parts:
        seen = search(ground, to_q(sought), size + 1, seconds)
    else:
        seen = Searched(rows=ground.first(size + 1), edge=None, looked_at=None)
    return _page(seen, size, position)


def beside(
    queryset: QuerySet[Task], expression: Expression, task: Task
) -> tuple[Task | None, Task | None]:
    """The next newer and the next older one of a list, found as its pages are, if near."""
    places = (_cursor("n", task), _cursor("o", task))
    newer, older = (page(queryset, expression, each, 1, PATIENCE / 4).items for each in places)
    return next(iter(newer), None), next(iter(older), None)


def _page(seen: Searched, size: int, position: Position) -> Page:
    rows, more = seen.rows[:size], len(seen.rows) > size
    edge = None if more else seen.edge
    if position.newer:
        rows.reverse()
        newer = _cursor("n", rows[0]) if more else _further("n", edge, MICROSECOND)
        older = _cursor("o", rows[-1]) if rows else _back(position)
        return Page(items=rows, older=older, newer=newer, searched_since=None)
    older = _cursor("o", rows[-1]) if more else _further("o", edge)
    newer = None
    if position.time is not None:
        newer = _cursor("n", rows[0]) if rows else _back(position)
    return Page(items=rows, older=older, newer=newer, searched_since=edge, looked_at=seen.looked_at)


def _back(position: Position) -> str | None:
    """From an empty page to where the reader came from."""
    if position.time is None:
        return None
    if position.newer:
        return _encode("o", position.time + MICROSECOND)
    return _encode("n", position.time)


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
