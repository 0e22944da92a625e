"""The time zone that a reader chose, in the menu, for all times of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest
from django.utils import timezone

# Written by frontend/src/zone-switch.ts; "browser:Europe/Berlin" where the browser's is wanted.
COOKIE: Final = "celery_monitor_zone"
BROWSER: Final = "browser:"
# In ``request.META``: the zone that the project would show.
SERVER_ZONE: Final = "celery_monitor.server_zone"


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


@lru_cache(maxsize=256)
def known_zone(name: str) -> ZoneInfo | None:
    """``None`` for what is no zone here: a cookie may say anything."""
    try:
        return ZoneInfo(name)
    # ValueError: a path that leads out; OSError: a folder of zones.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
