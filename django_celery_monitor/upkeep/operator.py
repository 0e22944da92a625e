"""Runs operations in a thread beside the intake: storing events never waits for one.

In one collector at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import connections

from django_celery_monitor.conf import get_settings
from django_celery_monitor.intake import AWAY
from django_celery_monitor.models import Operation
from django_celery_monitor.upkeep import lease, revision
from django_celery_monitor.upkeep.operation_ends import ACTIVE
from django_celery_monitor.upkeep.operations import Runner

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

LEASE: Final = "operations"


class Pace(NamedTuple):
    """Durations are seconds."""

    # From one look for operations to the next; how long a thread works until pages are told.
    look: float = 1.0
    work: float = 2.0
    renew: float = 20.0


PACE: Final = Pace()


class Operator:
    """``announce`` gets the revision when something was done."""

    def __init__(
        self,
        app: Celery,
        using: str,
        announce: Callable[[int, Iterable[str], Iterable[str]], None],
        pace: Pace = PACE,
    ) -> None:
        self._runner = Runner(app, using)
        self._using = using
        self._announce = announce
        self._pace = pace
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._revision: int | None = None
        self._held = lease.Held(LEASE, using, pace.renew)
        self._next = 0.0

    def turn(self, now: float) -> None:
        """Go on, without ever waiting; ``now`` is any clock that only goes forward, in seconds.

        Raises what the database raises.
        """
        if self._thread:
            if self._thread.is_alive():
                return
            self._thread = None
            if self._revision is not None:
                self._announce(self._revision, (), ())
                # There is more of it.
                self._next = now
        if now >= self._next:
            self._next = now + self._pace.look
            if self._held.is_ours(now) and self._is_wanted():
                self._begin()

    def close(self) -> None:
        """What is being sent is sent, and nothing after it; waits no longer than an act may."""
        self._closing.set()
        if self._thread:
            self._thread.join(get_settings().CONTROL_TIMEOUT + 1)
        if not (self._thread and self._thread.is_alive()):
            self._runner.close()

    def _is_wanted(self) -> bool:
        return Operation.objects.using(self._using).filter(status__in=ACTIVE).exists()

    def _begin(self) -> None:
        self._revision = None
        # A daemon: a broker that hangs must not keep the collector from ending.
        self._thread = threading.Thread(target=self._run, name="operations", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        more = False
        try:
            more = self._work()
        except AWAY as error:
            logger.debug("Could not go on with an operation: %s", error)
        # A policy or a user model may be any package's; the collector goes on.
        except Exception:
            logger.exception("Could not go on", extra={"action": "operation_failed"})
        finally:
            if not more:
                self._runner.close()
            connections.close_all()

    def _work(self) -> bool:
        """Whether there may be more."""
        until, did, more = time.monotonic() + self._pace.work, False, True
        while more and not self._closing.is_set() and time.monotonic() < until:
            more = self._runner.step(time.monotonic())
            did = did or more
        if did:
            self._revision = revision.advance(self._using)
        return more
