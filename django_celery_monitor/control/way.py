"""From a thread to broker and workers, for one act or, one after the other, for many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from django_celery_monitor.control.asking import Line
from django_celery_monitor.control.errors import UnavailableError
from django_celery_monitor.ingest.queues import answering, passing_errors

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection

    from django_celery_monitor.control.acts.base import Aim

# Seconds without another reply after which the others are not waited for.
PATIENCE: Final = 1.0
# The same where nobody waits but a collector: a worker may be busy with other things.
LONG_PATIENCE: Final = 10.0
# In all, for each act of an operation.
_LONGEST: Final = 30.0
# A connection that nobody has used for so many seconds may be gone without our knowing.
_FRESH: Final = 5.0
# That a second worker of one name has to answer, once all names have.
NAMESAKES: Final = 0.1
# That are kept back to say what was answered.
_RESERVE: Final = 0.2


class TooLateError(Exception):
    """Nobody waits for the act any more, so it must not be sent."""


class Road:
    """Of all acts of an operation: what they publish goes over one connection, while it holds.

    Without it, most of the time would go into opening connections.
    """

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.places: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._used = 0.0

    def way(self) -> Way:
        return Way(self.app, _LONGEST, LONG_PATIENCE, self)

    def taken(self) -> Connection | None:
        """For one act at a time; ``None`` when a new one has to be opened."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection and connection.connected and time.monotonic() - self._used < _FRESH:
            return connection
        _close(connection)
        return None

    def kept(self, connection: Connection) -> bool:
        """Whether it is now for the next act; else there is one already."""
        with self._lock:
            if self._connection is None:
                self._connection, self._used = connection, time.monotonic()
            return self._connection is connection

    def close(self) -> None:
        """The next act opens another one."""
        with self._lock:
            connection, self._connection = self._connection, None
        _close(connection)


class Way:
    """From a thread to broker and workers, for one act; ``seconds`` in all.

    ``patience``: seconds without another reply after which no more are waited for.
    """

    def __init__(
        self, app: Celery, seconds: float, patience: float = PATIENCE, road: Road | None = None
    ) -> None:
        self.app = app
        self.ends = time.monotonic() + seconds
        self._patience = patience
        self._road = road
        # Exchange or none, and name, of which the broker has said that it is there.
        self.places: set[tuple[str, str]] = road.places if road else set()
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

    def connection(self) -> Connection:
        """A new one, on which no question waits longer than there is time; closed with the act."""
        return self._opened(self._made())

    @contextmanager
    def publishing(self) -> Iterator[Connection]:
        """Where the broker says that it has what is published; perhaps that of an act before."""
        connection = self._road and self._road.taken()
        if connection:
            self.errors = passing_errors(connection)
            self._stack.enter_context(connection)
        else:
            made = self._made()
            if made.transport.driver_type == "amqp":
                made.transport_options = {**(made.transport_options or {}), "confirm_publish": True}
            connection = self._opened(made)
            self.places.clear()
        yield connection
        # It did not break.
        if self._road and self._road.kept(connection):
            self._stack.pop_all()

    def _opened(self, made: Connection) -> Connection:
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
        return self._tell(self.connection(), command, aim, arguments or {}, self._patience)

    def send(
        self, command: str, aim: Aim, arguments: dict[str, Any], patience: float | None = None
    ) -> list[tuple[str, Any]]:
        """The same of an act: it is sent once, or never when nobody waits for it any more.

        ``patience``: if not the way's.
        """
        connection = self.connection()
        self.commit()
        patience = self._patience if patience is None else patience
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
        if not aim.expected:
            patience = min(patience, PATIENCE)
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


def _close(connection: Connection | None) -> None:
    if connection:
        with suppress(OSError, *passing_errors(connection)):
            connection.release()
