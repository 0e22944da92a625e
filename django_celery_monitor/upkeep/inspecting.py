"""Asks workers what they are doing: when a page wants to know, and slowly by itself.

In one collector at a time, and in a thread: storing events never waits for a worker.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import connections
from django.utils import timezone

from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.inspecting import BrokerAwayError, inspect_workers
from django_celery_monitor.control.redaction import reader
from django_celery_monitor.intake import AWAY
from django_celery_monitor.upkeep import inspections, lease
from django_celery_monitor.upkeep.inspections import Wanted

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.control.told import Reader

logger = logging.getLogger("django_celery_monitor")

LEASE: Final = "inspect"


class Pace(NamedTuple):
    """Durations are seconds."""

    # From one look for requests to the next; the longest while the broker is away.
    look: float = 1.0
    longest: float = 60.0
    # From one look for workers that nobody asked for to the next.
    own: float = 5.0
    # How many workers one question goes to, and how long they are given to reply.
    hosts: int = 20
    timeout: float = 2.0
    renew: float = 20.0
    forget: float = 3600.0


PACE: Final = Pace()


class Inspector:
    """``announce`` gets the revision and the host names when replies were stored."""

    def __init__(
        self,
        app: Celery,
        using: str,
        announce: Callable[[int, Iterable[str], Iterable[str]], None],
        pace: Pace = PACE,
    ) -> None:
        self._app = app
        self._using = using
        self._announce = announce
        self._pace = pace
        self._reader: Reader | None = None
        self._asking: Future[int | None] | None = None
        self._asked: list[Wanted] = []
        self._held = lease.Held(LEASE, using, pace.renew)
        self._next = self._next_own = self._next_forget = 0.0
        self._rest = pace.look

    def turn(self, now: float) -> None:
        """Go on, without ever waiting; ``now`` is any clock that only goes forward, in seconds.

        Raises what the database raises.
        """
        if self._asking:
            if self._asking.done():
                asking, self._asking = self._asking, None
                self._heed(asking.result(), now)
        elif now >= self._next:
            self._next = now + self._pace.look
            if self._is_ours(now):
                self._asked = self._due(now)
                if self._asked:
                    self._asking = self._begin(self._asked)

    def _is_ours(self, now: float) -> bool:
        held = self._held.is_ours(now)
        if held and now >= self._next_forget:
            self._next_forget = now + self._pace.forget
            inspections.forget(timezone.now(), self._using)
        return held

    def _due(self, now: float) -> list[Wanted]:
        wanted = inspections.wanted(self._pace.hosts, self._using)
        every = get_settings().INSPECT_EVERY
        if wanted or every is None or now < self._next_own:
            return wanted
        self._next_own = now + self._pace.own
        return inspections.unasked(timezone.now(), every, self._pace.hosts, self._using)

    def _heed(self, revision: int | None, now: float) -> None:
        """Ask more and more seldom while the broker or the database is away."""
        if revision is None:
            self._rest = min(2 * self._rest, self._pace.longest)
        else:
            self._rest = self._pace.look
            self._announce(revision, (), [each.hostname for each in self._asked])
        self._next = now + self._rest

    def _begin(self, asked: list[Wanted]) -> Future[int | None]:
        future: Future[int | None] = Future()
        # A daemon: a broker that hangs must not keep the collector from ending.
        threading.Thread(
            target=self._run, args=(asked, future), name="inspect", daemon=True
        ).start()
        return future

    def _run(self, asked: list[Wanted], future: Future[int | None]) -> None:
        revision = None
        try:
            revision = self._ask(asked)
        except (BrokerAwayError, *AWAY) as error:
            logger.debug("Could not ask workers what they are doing: %s", error)
        # A transport may be any package's; the collector goes on without replies.
        except Exception:
            logger.exception("Could not ask workers", extra={"action": "inspect_failed"})
        finally:
            connections[self._using].close()
            future.set_result(revision)

    def _ask(self, asked: list[Wanted]) -> int:
        """The revision that the replies were stored with."""
        begun = timezone.now()
        replies = inspect_workers(self._app, [each.hostname for each in asked], self._pace.timeout)
        self._reader = self._reader or reader(self._app)
        told = {
            host: {
                part: read
                for part, said in parts.items()
                if (read := self._reader.read(part, said)) is not None
            }
            for host, parts in replies.items()
        }
        return inspections.keep(asked, told, begun, self._using)
