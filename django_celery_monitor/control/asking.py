"""Asking workers. Reads only; what they say of single tasks here is never stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kombu import Consumer, Producer
from kombu.utils.uuid import uuid

from django_celery_monitor.ingest.queues import passing_errors

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection
    from kombu.message import Message

logger = logging.getLogger("django_celery_monitor")


class Replies(NamedTuple):
    """By host name. Of two workers with one name neither counts: who knows which one is meant."""

    by_host: dict[str, Any]
    # All of them, also those of the same name.
    every: list[Any]


class Process(NamedTuple):
    """A worker's main process; ``uptime`` in seconds."""

    pid: int
    uptime: float


class Asked(NamedTuple):
    # Workers that answered everything they were asked.
    answered: frozenset[str]
    # Tasks that any of them has.
    known: frozenset[str]
    processes: dict[str, Process]


NOBODY = Asked(frozenset(), frozenset(), {})


def ask_workers(app: Celery, ids: list[str], closer: list[str], timeout: float) -> Asked:
    """Which of the tasks ``ids`` any worker has; of the workers ``closer`` all lists are read too.

    Waits ``timeout`` seconds for each reply, of which there are up to five.
    """
    with app.connection_for_write() as one, app.connection_for_write() as other:
        try:
            asked = _who_has(Line(app, one, timeout), ids)
            return _look_closer(Line(app, other, timeout), asked, closer)
        except passing_errors(one) as error:
            logger.debug("Could not ask workers for tasks: %s", error)
            return NOBODY


class Line:
    """One connection; ``timeout``: seconds without another reply until nobody waits any longer.

    Kombu on Redis goes on reading for a question that got fewer replies than it might have: on the
    same connection, the next would be answered late.
    """

    def __init__(self, app: Celery, connection: Connection, timeout: float) -> None:
        self._connection, self._timeout = connection, timeout
        self._control: Any = app.control

    def ask(
        self, command: str, kind: type, to: list[str] | None = None, **arguments: Any
    ) -> Replies:
        """Replies of that ``kind``; any other, such as that the command is unknown, is none."""
        # Left alone, it would try to connect for ever.
        self._connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
        pairs = self.tell(command, to, arguments, awaited=to or ())
        good = [(host, said) for host, said in pairs if isinstance(said, kind)]
        hosts = [host for host, _said in pairs]
        unique = {host: said for host, said in good if hosts.count(host) == 1}
        return Replies(unique, [said for _host, said in good])

    def tell(
        self,
        command: str,
        to: Collection[str] | None,
        arguments: dict[str, Any],
        *,
        awaited: Collection[str] = (),
        within: float = 3600,
        namesakes: float = 0,
    ) -> list[tuple[str, Any]]:
        """Each reply with the host name it came under, until all that are ``awaited`` have spoken.

        Without any, until nobody has spoken for a while. ``namesakes``: seconds for a second worker
        of the same name, which did it too. Sent once, on this connection, and never again: not when
        it breaks, not by a pool.
        """
        ticket, pairs = uuid(), list[tuple[str, Any]]()
        mailbox = self._mailbox()
        queue, channel = mailbox.reply_queue, self._connection.default_channel

        def heard(body: Any, message: Message) -> None:
            if message.headers.get("ticket", ticket) == ticket and isinstance(body, dict):
                pairs.extend(body.items())

        consumer = Consumer(channel, [queue], accept=mailbox.accept, no_ack=True)
        consumer.register_callback(heard)
        options = {"channel": channel, "timeout": self._timeout, "reply_ticket": ticket}
        try:
            mailbox._publish(command, arguments, destination=to, **options)
            with consumer:
                self._drain(pairs, set(awaited), time.monotonic() + within, namesakes)
        finally:
            channel.after_reply_message_received(queue.name)
        return pairs

    def _mailbox(self) -> Any:
        mailbox = self._control.mailbox(self._connection)
        kind: Any = type(mailbox)
        mailbox.__class__ = _own(kind)
        mailbox.producer_pool = _Once(self._connection)
        return mailbox

    def _drain(
        self, pairs: list[tuple[str, Any]], awaited: set[str], ends: float, namesakes: float
    ) -> None:
        while not awaited or not awaited <= {host for host, _said in pairs}:
            left = min(self._timeout, ends - time.monotonic())
            if left <= 0 or not self._heard(left):
                return
        while namesakes and self._heard(min(namesakes, self._timeout)):
            pass

    def _heard(self, timeout: float) -> bool:
        try:
            self._connection.drain_events(timeout=timeout)
        except TimeoutError:
            return False
        return True


class _OwnQueue:
    """Each question's replies come to a queue of its own.

    Kombu names it after an address in memory, which the next mailbox may have again: a connection
    that is still open would take its replies.
    """

    @cached_property
    def oid(self) -> str:
        return str(uuid())


@cache
def _own(kind: Any) -> Any:
    """An app may have a mailbox of its own kind."""
    return type("OwnQueue", (_OwnQueue, kind), {})


class _Once:
    """In the place of Celery's pool of producers, which publish again until a broker is there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def acquire(self) -> Iterator[Producer]:
        yield _Producer(self._connection.default_channel, auto_declare=False)


class _Producer(Producer):
    def publish(self, *args: Any, **options: Any) -> Any:
        return super().publish(*args, **{**options, "retry": False})


def _who_has(line: Line, ids: list[str]) -> Asked:
    asked = line.ask("query_task", dict, ids=ids)
    answered = frozenset(host for host, said in asked.by_host.items() if "error" not in said)
    return Asked(answered, frozenset(task_id for said in asked.every for task_id in said), {})


def _look_closer(line: Line, asked: Asked, closer: list[str]) -> Asked:
    """Whoever of ``closer`` does not answer everything has not answered."""
    hosts = sorted(asked.answered.intersection(closer))
    if not hosts:
        return asked
    listed = [line.ask(command, list, hosts) for command in ("active", "reserved", "scheduled")]
    told = line.ask("stats", dict, hosts).by_host
    processes = {host: found for host, said in told.items() if (found := _process(said))}
    whole = processes.keys() & set.intersection(*(set(each.by_host) for each in listed))
    known = {task_id for each in listed for said in each.every for task_id in _ids(said)}
    answered = asked.answered.difference(hosts) | whole
    return Asked(answered, asked.known | known, processes)


def _ids(listed: Iterable[Any]) -> set[str]:
    """What waits for its time is wrapped once more."""
    requests = [each.get("request", each) for each in listed if isinstance(each, dict)]
    return {each["id"] for each in requests if isinstance(each, dict) and "id" in each}


def _process(stats: dict[str, Any]) -> Process | None:
    pid, uptime = stats.get("pid"), stats.get("uptime")
    if isinstance(pid, int) and isinstance(uptime, int | float):
        return Process(pid, uptime)
    return None
