"""One writer at a time per database.

Row locks do not lock rows that do not exist yet, and two writers on one new task would lose an
event. Receiving and decoding stay parallel; only the transaction is not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.db import connections
from django.db.models import F

from django_celery_monitor.models import Installation

# Any number will do, as long as every collector takes the same.
_KEY: Final = 0x63656C65
_NEXT: Final = {"writes": F("writes") + 1, "batches": F("batches") + 1}


class Held(NamedTuple):
    """``revision``: for pages; ``batch``: counts who held the lock."""

    revision: int
    batch: int
    # Up to when tasks were deleted by retention.
    pruned_before: datetime | None


def acquire(using: str) -> Held:
    """Take the lock until the transaction ends.

    Must be the transaction's first statement. On SQLite the update takes the write lock, and a
    transaction that has read before could not upgrade. On MySQL it locks the one row there is, and
    what is read only after that wait is seen as it is by then, whatever the isolation level;
    ``GET_LOCK`` would outlive the transaction.
    """
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
    installations = Installation.objects.using(using)
    rows = installations.filter(pk=1)
    if not rows.update(**_NEXT):
        # Two first writers may both come here where nothing but the row is locked.
        installations.bulk_create([Installation(pk=1)], ignore_conflicts=True)
        rows.update(**_NEXT)
    return Held(*rows.values_list("writes", "batches", "pruned_before").get())
