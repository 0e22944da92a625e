"""Times of which events may be missing, for those who look at what was counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django_celery_monitor.models import Gap

SHOWN_FOR: Final = timedelta(days=1)
_MOST: Final = 5


def recent_gaps(now: datetime) -> list[Gap]:
    """The latest that ended within a day, newest first; one query."""
    return list(Gap.objects.filter(ended_at__gt=now - SHOWN_FOR).order_by("-ended_at")[:_MOST])
