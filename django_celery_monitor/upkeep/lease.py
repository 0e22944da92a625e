"""Upkeep runs in one collector at a time: a lease in the database, by the database's clock."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, models, transaction
from django.db.models import ExpressionWrapper, Q
from django.db.models.functions import Now

from django_celery_monitor.models import Lease

SECONDS: Final = 60
_RENEW: Final = 20.0


class Held:
    """Renewed as long as it is asked for; ``renew``: after so many seconds."""

    def __init__(self, name: str, using: str, renew: float = _RENEW) -> None:
        self._name, self._using, self._renew = name, using, renew
        self._held, self._next = False, 0.0

    def is_ours(self, now: float) -> bool:
        """``now`` is any clock that only goes forward, in seconds."""
        if now >= self._next:
            self._next, self._held = now + self._renew, False
            self._held = take(self._name, self._using)
        return self._held


def take(name: str, using: str, holder: str = "") -> bool:
    """Take or renew the lease for ``SECONDS``; ``False`` while another process holds it.

    ``holder``: this process, if not given.
    """
    holder = holder or f"{socket.gethostname()}:{os.getpid()}"
    later = ExpressionWrapper(
        Now() + timedelta(seconds=SECONDS), output_field=models.DateTimeField()
    )
    leases = Lease.objects.using(using)
    free = leases.filter(Q(holder=holder) | Q(expires_at__lt=Now()), name=name)
    if free.update(holder=holder, expires_at=later):
        return True
    try:
        with transaction.atomic(using=using):
            leases.create(name=name, holder=holder, expires_at=later)
    except IntegrityError:
        return False
    return True
