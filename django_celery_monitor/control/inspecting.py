"""Asking workers everything that their pages show (``celery inspect``). Reads only."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from django_celery_monitor.control.asking import Line
from django_celery_monitor.ingest.queues import limited, passing_errors
from django_celery_monitor.models import WorkerReply

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

Part = WorkerReply.Part
# By host name and part.
Replies = dict[str, dict[str, Any]]

# Asked for by name, so a reply can be taken apart again.
ATTRIBUTES: Final = (
    *("rate_limit", "time_limit", "soft_time_limit", "max_retries", "default_retry_delay"),
    *("queue", "exchange", "routing_key", "priority", "serializer", "expires"),
    *("acks_late", "acks_on_failure_or_timeout", "reject_on_worker_lost"),
    *("track_started", "ignore_result", "send_events"),
)
# What follows "stats", which shows who answers at all; with the kind of a good reply.
_QUESTIONS: Final[tuple[tuple[str, type, dict[str, Any]], ...]] = (
    (Part.QUEUES, list, {}),
    # As texts, as events have them: the values may be large, or no JSON.
    (Part.ACTIVE, list, {"safe": True}),
    (Part.RESERVED, list, {}),
    (Part.SCHEDULED, list, {}),
    (Part.REVOKED, list, {}),
    (Part.REGISTERED, list, {"taskinfoitems": list(ATTRIBUTES)}),
    # Without its defaults, Celery tells none of its settings that come from Django's.
    (Part.CONF, dict, {"with_defaults": True}),
    (Part.REPORT, dict, {}),
)


class BrokerAwayError(Exception):
    """The broker does not answer, so nobody could be asked."""


def inspect_workers(app: Celery, hosts: list[str], timeout: float) -> Replies:
    """What each of ``hosts`` says; one that answers nothing is missing.

    One question for all of them; waits ``timeout`` seconds for who does not answer at all, and as
    long for each answer that is missing of the others. Raises ``BrokerAwayError``.
    """
    with ExitStack() as stack:
        lines = _Lines(app, timeout, stack)
        try:
            stats = lines.ask(Part.STATS, dict, hosts)
            replies: Replies = {host: {Part.STATS: said} for host, said in stats.items()}
            for part, kind, arguments in _QUESTIONS if replies else ():
                for host, said in lines.ask(part, kind, sorted(replies), **arguments).items():
                    replies[host][part] = said
        except passing_errors(lines.connection) as error:
            raise BrokerAwayError(str(error)) from error
    return replies


class _Lines:
    """A new line after each question that somebody did not answer.

    Kombu on Redis goes on reading for it: on the same connection, the next would be answered late.
    """

    def __init__(self, app: Celery, timeout: float, stack: ExitStack) -> None:
        self._app, self._timeout, self._stack = app, timeout, stack
        self._renew()

    def _renew(self) -> None:
        self.connection = self._stack.enter_context(limited(self._app.connection_for_write()))
        self._line = Line(self._app, self.connection, self._timeout)

    def ask(self, part: str, kind: type, hosts: list[str], **arguments: Any) -> dict[str, Any]:
        """Good replies by host name, of ``hosts`` only."""
        told = self._line.ask(part, kind, hosts, **arguments).by_host
        if len(told) < len(hosts):
            self._renew()
        good = {host: said for host, said in told.items() if host in hosts}
        # The reply of a command that failed.
        return {host: said for host, said in good.items() if kind is list or "error" not in said}
