"""A page wants to know more of a worker. It says so in a row, and some collector asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from django_celery_monitor.models import Inspection

# Of requests that no person made, for a page that was opened or stays open.
EVERY: Final = timedelta(seconds=60)
# Of a button that is pressed again and again.
PAUSE: Final = timedelta(seconds=5)


def is_due(row: Inspection, now: datetime, pause: timedelta = EVERY) -> bool:
    return row.wanted_at is None and (row.asked_at is None or row.asked_at < now - pause)


def want(hostname: str, now: datetime, *, by_itself: bool) -> bool:
    """Ask for news, unless somebody has just done so; whether that was needed.

    However many pages show a worker, it is asked once.
    """
    pause = EVERY if by_itself else PAUSE
    Inspection.objects.get_or_create(pk=hostname)
    due = Q(asked_at=None) | Q(asked_at__lt=now - pause)
    rows = Inspection.objects.filter(due, pk=hostname, wanted_at=None)
    return bool(rows.update(wanted_at=now))
