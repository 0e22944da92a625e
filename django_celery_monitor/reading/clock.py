"""How the reader of a page wants its times: ages or times, and of how many hours a day has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    absolute: bool = False
    twelve: bool = False


_chosen: ContextVar[Clock] = ContextVar("celery_monitor_clock")
_USUAL: Final = Clock()


def chosen() -> Clock:
    return _chosen.get(_USUAL)


@contextmanager
def keeping(clock: Clock) -> Iterator[None]:
    """Inside, times are written so; as the current time zone, for one page."""
    token = _chosen.set(clock)
    try:
        yield
    finally:
        _chosen.reset(token)


def minutes(local: datetime) -> str:
    """``14:02`` or ``2:02 PM``."""
    return date_format(local, "g:i A") if chosen().twelve else f"{local:%H:%M}"


def seconds(local: datetime) -> str:
    return date_format(local, "g:i:s A") if chosen().twelve else f"{local:%H:%M:%S}"


def milliseconds(local: datetime) -> str:
    text, thousandths = seconds(local), f".{local.microsecond // 1000:03}"
    clock, space, half = text.partition(" ")
    return f"{clock}{thousandths}{space}{half}"


def short(local: datetime) -> str:
    """With its day, where there is little room."""
    return f"{date_format(local, 'MONTH_DAY_FORMAT')} {minutes(local)}"


def when(moment: datetime, now: datetime) -> str:
    """A time in place of its age: as much of it as tells it apart."""
    local, today = timezone.localtime(moment), timezone.localtime(now)
    if local.date() == today.date():
        return seconds(local)
    return short(local) if local.year == today.year else date_format(local, "DATE_FORMAT")
