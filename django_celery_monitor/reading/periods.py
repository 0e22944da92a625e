"""A stretch of time as the few rows of counts that cover it: days, smaller at the ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import TaskStats
from django_celery_monitor.storage.rows import moment

DAY, HOUR, MINUTE = 86_400, 3_600, 60
_NAMES: Final = {
    DAY: TaskStats.Period.DAY,
    HOUR: TaskStats.Period.HOUR,
    MINUTE: TaskStats.Period.MINUTE,
}
# Minutes are kept for three days, hours for ninety.
_MINUTES_FOR: Final = timedelta(days=3) - timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one length (in seconds) from ``start`` up to, but not with, ``end`` (epoch)."""

    seconds: int
    start: int
    end: int

    def condition(self) -> Q:
        period, first, last = _NAMES[self.seconds], moment(self.start), moment(self.end)
        return Q(period=period, start__gte=first, start__lt=last)


def cover(start: int, end: int, smallest: int = MINUTE) -> list[Piece]:
    """``start`` and ``end`` (epoch) are multiples of the ``smallest`` length."""
    return _cover(start, end, [length for length in _NAMES if length >= smallest])


def _cover(start: int, end: int, lengths: list[int]) -> list[Piece]:
    if start >= end:
        return []
    length, *smaller = lengths
    first, last = -(-start // length) * length, end // length * length
    if first >= last:
        return _cover(start, end, smaller)
    middle = Piece(length, first, last)
    return [*_cover(start, first, smaller), middle, *_cover(last, end, smaller)]


def any_of(pieces: Iterable[Piece]) -> Q:
    found = Q()
    for piece in pieces:
        found |= piece.condition()
    return found


def midnight(now: datetime) -> int:
    """The end of the day that runs, in UTC: its row covers what has passed of it."""
    return int(now.timestamp()) // DAY * DAY + DAY


def succeeded_since(
    user: User, wanted: Iterable[tuple[str, datetime]], now: datetime
) -> dict[tuple[str, datetime], int]:
    """Runs of a task that succeeded after the minute of a moment (past three days: the hour)."""
    covers: dict[tuple[str, datetime], list[Piece]] = {}
    condition = Q()
    for name, last in wanted:
        smallest = MINUTE if now - last < _MINUTES_FOR else HOUR
        after = int(last.timestamp()) // smallest * smallest + smallest
        covers[name, last] = pieces = cover(after, midnight(now), smallest)
        if pieces:
            condition |= Q(label=name) & any_of(pieces)
    if not condition:
        return dict.fromkeys(covers, 0)
    rows = get_policy().visible(user, TaskStats.objects.filter(grain=TaskStats.Grain.NAME))
    known: dict[tuple[str, str], list[tuple[int, int]]] = {}
    columns = ("label", "period", "start", "succeeded")
    for label, period, start, number in rows.filter(condition).values_list(*columns):
        known.setdefault((label, period), []).append((int(start.timestamp()), number))
    return {
        (name, last): sum(
            number
            for piece in pieces
            for start, number in known.get((name, _NAMES[piece.seconds]), [])
            if piece.start <= start < piece.end
        )
        for (name, last), pieces in covers.items()
    }
