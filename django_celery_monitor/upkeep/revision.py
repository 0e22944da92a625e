"""The number by which pages see that there is news."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from django_celery_monitor.models import Installation


def advance(using: str) -> int:
    """The new one. Last in a transaction, because batches of events need its row too."""
    installations = Installation.objects.using(using)
    with transaction.atomic(using=using):
        installations.bulk_create([Installation(pk=1)], ignore_conflicts=True)
        installations.filter(pk=1).update(writes=F("writes") + 1)
        return int(installations.values_list("writes", flat=True).get(pk=1))
