"""A bounded number of threads sends acts; whoever waits for one never waits longer than allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from math import ceil
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.db import connections
from django.utils.translation import gettext as _

from django_celery_monitor.control.asking import Line
from django_celery_monitor.control.errors import ControlError, UnavailableError
from django_celery_monitor.ingest.queues import answering, passing_errors

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection

    from django_celery_monitor.control.acts.base import Aim

T = TypeVar("T")

# At once, in one process.
THREADS: Final = 8
# Seconds without another reply after which the others are not waited for.
PATIENCE: Final = 1.0
# That a second worker of one name has to answer, once all names have.
NAMESAKES: Final = 0.1
# That are kept back to say what was answered.
_RESERVE: Final = 0.2

_free = threading.BoundedSemaphore(THREADS)
_lock = threading.Lock()
_joined: dict[object, Future[Any]] = {}


class TooLateError(Exception):
    """Nobody waits for the act any more, so it must not be sent."""


class Way:
    """From a thread to broker and workers, for one act; ``seconds`` in all."""

    def __init__(self, app: Celery, seconds: float) -> None:
        self.app = app
        self.ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._given_up = False
        self.sent = False
        self._stack = ExitStack()
        # What says that a broker is away.
        self.errors: tuple[type[BaseException], ...] = ()

    def left(self) -> float:
        """Seconds; raises ``TooLateError`` when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TooLateError
        return left

    def connection(self, *, confirm: bool = False) -> Connection:
        """A new one, on which no question waits longer than there is time; closed with the act.

        ``confirm``: the broker says that it has what is published.
        """
        made = self._made()
        if confirm and made.transport.driver_type == "amqp":
            made.transport_options = {**(made.transport_options or {}), "confirm_publish": True}
        self.errors = passing_errors(made)
        connection = self._stack.enter_context(made)
        # Left alone, it would try to connect for ever.
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=ceil(self.left()))
        return connection

    def _made(self) -> Connection:
        try:
            return answering(self.app.connection_for_write(), self.left())
        # Some say only now that their library is missing; name errors: that of Kafka.
        except (ImportError, KeyError, NameError) as error:
            text = _("The broker's transport cannot be loaded: %(error)s") % {"error": error}
            raise UnavailableError(text) from error

    def ask(
        self, command: str, aim: Aim, arguments: dict[str, Any] | None = None
    ) -> list[tuple[str, Any]]:
        """All replies to a question that changes nothing, as host name and reply."""
        return self._tell(self.connection(), command, aim, arguments or {}, PATIENCE)

    def send(
        self, command: str, aim: Aim, arguments: dict[str, Any], patience: float = PATIENCE
    ) -> list[tuple[str, Any]]:
        """The same of an act: it is sent once, or never when nobody waits for it any more."""
        connection = self.connection()
        self.commit()
        return self._tell(connection, command, aim, arguments, patience)

    def _tell(
        self,
        connection: Connection,
        command: str,
        aim: Aim,
        arguments: dict[str, Any],
        patience: float,
    ) -> list[tuple[str, Any]]:
        left = self.left() - _RESERVE
        return Line(self.app, connection, max(min(patience, left), _RESERVE)).tell(
            command,
            aim.hosts,
            arguments,
            awaited=aim.expected,
            within=left,
            namesakes=NAMESAKES,
        )

    def commit(self) -> None:
        """From now on the act counts as sent; raises ``TooLateError`` when that is too late."""
        with self._lock:
            if self._given_up:
                raise TooLateError
            self.left()
            self.sent = True

    def give_up(self) -> bool:
        """Nothing that is not sent yet will be; whether it may have been."""
        with self._lock:
            self._given_up = True
            return self.sent

    def close(self) -> None:
        """Never raises: what cannot be closed is broken, and nothing depends on it any more."""
        with suppress(OSError, *self.errors):
            self._stack.close()


def run(way: Way, work: Callable[[], T], key: object = None) -> T:
    """``work`` in a thread; with a ``key``, together with whoever runs the same at this moment.

    Raises ``UnavailableError`` when broker or workers take too long.
    """
    future, mine = _future(key)
    if mine:
        if not _free.acquire(timeout=max(way.ends - time.monotonic(), 0)):
            _forget(key, future)
            error = UnavailableError(_("Too many acts are on their way; try again."))
            future.set_exception(error)
            raise error
        threading.Thread(
            target=_work, args=(way, work, key, future), name="control", daemon=True
        ).start()
    try:
        found: T = future.result(timeout=max(way.ends - time.monotonic(), 0))
    except TimeoutError as error:
        raise _too_slow(sent=way.give_up()) from error
    return found


def _future(key: object) -> tuple[Future[Any], bool]:
    with _lock:
        known = _joined.get(key) if key is not None else None
        if known is not None:
            return known, False
        future: Future[Any] = Future()
        if key is not None:
            _joined[key] = future
        return future, True


def _forget(key: object, future: Future[Any]) -> None:
    with _lock:
        if _joined.get(key) is future:
            del _joined[key]


def _work(way: Way, work: Callable[[], T], key: object, future: Future[T]) -> None:
    try:
        found = _done(way, work)
    except BaseException as error:
        _forget(key, future)
        future.set_exception(error)
    else:
        _forget(key, future)
        future.set_result(found)
    finally:
        # After the answer is given: kombu on Redis takes a second for it.
        way.close()
        # A result backend may be Django's, with a connection of this thread.
        connections.close_all()
        _free.release()


def _done(way: Way, work: Callable[[], T]) -> T:
    try:
        return work()
    except ControlError:
        raise
    except TooLateError as error:
        raise _too_slow(sent=way.give_up()) from error
    # A transport may be any package's, with errors of its own.
    except Exception as error:
        if not isinstance(error, (OSError, *way.errors)):
            raise
        text = _("The broker does not answer: %(error)s") % {"error": error}
        raise UnavailableError(text, sent=way.give_up()) from error


def _too_slow(*, sent: bool) -> UnavailableError:
    if sent:
        text = _("The broker answers too slowly. The act may have been sent all the same.")
    else:
        text = _("The broker answers too slowly. Nothing was sent.")
    return UnavailableError(text, sent=sent)
