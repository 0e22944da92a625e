"""Runs retention's sweeps beside the intake: one small step at a turn of the collector's loop."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from django.utils import timezone

from django_celery_monitor.conf import get_settings
from django_celery_monitor.upkeep import lease, retention

logger = logging.getLogger("django_celery_monitor")

LEASE: Final = "retention"
# Seconds between two sweeps, between two looks for the lease, and until it is renewed.
EVERY: Final = 3600.0
RETRY: Final = 60.0
RENEW: Final = 20.0


class Sweeper:
    """Of several collectors the one that holds the lease sweeps."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._sweep: Iterator[int] | None = None
        self._deleted = 0
        self._next = self._renew = 0.0

    def turn(self, now: float) -> None:
        """Do one step of a sweep; ``now`` is any clock that only goes forward, in seconds.

        A step deletes no fewer tasks than a batch stores, so a sweep keeps up under any load.

        Raises what the database raises; the sweep then begins anew at the next turn.
        """
        if now < self._next:
            return
        sweep, self._sweep = self._sweep, None
        if sweep is None or now >= self._renew:
            self._next = now + RETRY
            if not lease.take(LEASE, self._using):
                return
            self._renew = now + RENEW
        if sweep is None:
            sweep, self._deleted = retention.sweep(get_settings(), timezone.now(), self._using), 0
        step = next(sweep, None)
        if step is not None:
            self._sweep, self._next = sweep, now
            self._deleted += step
            return
        self._next = now + EVERY
        if self._deleted:
            logger.info("Deleted %d tasks past their retention", self._deleted)
