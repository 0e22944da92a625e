"""The time zone and the clock that a reader chose, in the menu, for all times of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from django_celery_monitor.reading.clock import Clock, keeping

# Written by frontend/src/zone-switch.ts; "browser:Europe/Berlin" where the browser's is wanted.
COOKIE: Final = "celery_monitor_zone"
BROWSER: Final = "browser:"
# Written by frontend/src/clock-switch.ts: words of "absolute" and "12", joined.
CLOCK_COOKIE: Final = "celery_monitor_times"
# In ``request.META``: the zone that the project would show.
SERVER_ZONE: Final = "celery_monitor.server_zone"
# Parameters that are times.
TIMES: Final = frozenset({"after", "before"})


@contextmanager
def in_chosen_zone(request: HttpRequest) -> Iterator[None]:
    """Inside, the reader's zone is the current one; without a choice it stays the project's."""
    request.META[SERVER_ZONE] = timezone.get_current_timezone_name()
    chosen = request.COOKIES.get(COOKIE, "").removeprefix(BROWSER)
    zone = known_zone(chosen) if chosen else None
    if zone is None:
        yield
        return
    with timezone.override(zone):
        yield


@contextmanager
def as_chosen(request: HttpRequest) -> Iterator[None]:
    """Inside, times are written as the reader wants them."""
    words = request.COOKIES.get(CLOCK_COOKIE, "").split("-")
    clock = Clock(absolute="absolute" in words, twelve="12" in words)
    with in_chosen_zone(request), keeping(clock):
        yield


@lru_cache(maxsize=256)
def known_zone(name: str) -> ZoneInfo | None:
    """``None`` for what is no zone here: a cookie may say anything."""
    try:
        return ZoneInfo(name)
    # ValueError: a path that leads out; OSError: a folder of zones.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def in_any_zone(params: QueryDict) -> QueryDict | None:
    """``params`` whose times mean the same to every reader; ``None``: they do already.

    ``2026-01-31T14:00`` is that in the reader's zone, so it gets the zone's offset.
    """
    exact = params.copy()
    for name in TIMES & params.keys():
        exact.setlist(name, [_with_offset(value) for value in params.getlist(name)])
    return exact if exact != params else None


def _with_offset(value: str) -> str:
    try:
        moment = parse_datetime(value)
        if moment is None or timezone.is_aware(moment):
            return value
        return timezone.make_aware(moment).isoformat()
    # No such day or hour; whoever reads the filters says so.
    except (ValueError, OverflowError):
        return value
