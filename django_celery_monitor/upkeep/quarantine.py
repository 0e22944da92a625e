"""Keeps the quarantine small, whatever is sent: bad input must not fill the disk."""

from __future__ import annotations

from typing import Final

from django_celery_monitor.models import BadEvent

# The newest are kept; the collector counts them all.
MOST: Final = 10_000
# Deleted at a time. More than a collector adds until the next time: 100 in each batch.
STEP: Final = 10_000


def trim(using: str, *, most: int = MOST) -> int:
    """Delete the oldest bad events until ``most`` are left; returns how many went."""
    rows = BadEvent.objects.using(using).order_by("-pk")
    last = rows.values_list("pk", flat=True)[most : most + 1].first()
    if last is None:
        return 0
    oldest = rows.filter(pk__lte=last).order_by("pk").values_list("pk", flat=True)[:STEP]
    deleted, _by_model = rows.filter(pk__in=list(oldest)).delete()
    return deleted
