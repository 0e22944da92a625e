"""Pages by key: the position is (time, id), so that no page costs more for lying further back."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.exceptions import EmptyResultSet
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from django_celery_monitor.conf import get_settings
from django_celery_monitor.filters import Expression, FilterError, terms, to_q
from django_celery_monitor.models import Task
from django_celery_monitor.reading.remember import remembered

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tasks, newest first. ``older`` and ``newer`` are cursors, ``None`` at the ends.

    ``searched_since`` is how far back a text search looked; ``None`` when it saw everything.
    """

    items: list[Task]
    older: str | None
    newer: str | None
    searched_since: datetime | None


def page(
    queryset: QuerySet[Task], expression: Expression, cursor: str = "", size: int | None = None
) -> Page:
    """One page of ``queryset``; raises ``FilterError`` for a bad cursor."""
    size = size or get_settings().PAGE_SIZE
    matching = queryset.filter(to_q(expression))
    since = _search_floor(queryset, expression)
    if since is not None:
        matching = matching.filter(time__gte=since)
    newer, position = _decode(cursor)
    rows = _fetch(matching, newer, position, size + 1)
    more = len(rows) > size
    rows = rows[:size]
    if newer:
        rows.reverse()
    return Page(
        items=rows,
        older=_encode("o", rows[-1]) if rows and (more or newer) else None,
        newer=_encode("n", rows[0]) if rows and position and (more or not newer) else None,
        searched_since=since,
    )


def _fetch(
    matching: QuerySet[Task], newer: bool, position: tuple[datetime, str] | None, count: int
) -> list[Task]:
    if position is None:
        return list(matching.order_by("-time", "-id")[:count])
    time, task_id = position
    if newer:
        beyond = Q(time__gte=time) & (Q(time__gt=time) | Q(id__gt=task_id))
        return list(matching.filter(beyond).order_by("time", "id")[:count])
    beyond = Q(time__lte=time) & (Q(time__lt=time) | Q(id__lt=task_id))
    return list(matching.filter(beyond).order_by("-time", "-id")[:count])


def _search_floor(queryset: QuerySet[Task], expression: Expression) -> datetime | None:
    """Where the window of a text search ends: no index helps such a search."""
    found = terms(expression)
    if not any(term.field == "q" for term in found):
        return None
    window = get_settings().SEARCH_WINDOW
    newest = queryset.order_by("-time").values_list("time", flat=True)[window : window + 1]
    try:
        # Pages of one search had better look equally far back.
        floor, _when = remembered(f"search floor:{newest.query}", newest.first)
    except EmptyResultSet:
        return None
    return floor


def _encode(direction: str, task: Task) -> str:
    micros = (task.time - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{direction}{micros}|{task.id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[bool, tuple[datetime, str] | None]:
    if not cursor:
        return False, None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        found = re.fullmatch(r"([on])(-?[0-9]{1,18})\|([^\0]+)", text, re.DOTALL)
        if found is None:
            raise ValueError(text)
        return found[1] == "n", (EPOCH + timedelta(microseconds=int(found[2])), found[3])
    except (ValueError, OverflowError) as error:
        raise FilterError(_("This page address is damaged: go back to the first page.")) from error
