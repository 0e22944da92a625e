"""A bounded number of threads sends acts; whoever waits for one never waits longer than allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from django.db import connections
from django.utils.translation import gettext as _

from django_celery_monitor.control.errors import ControlError, UnavailableError
from django_celery_monitor.control.way import TooLateError, Way

T = TypeVar("T")

# At once, in one process.
THREADS: Final = 8

_free = threading.BoundedSemaphore(THREADS)
_lock = threading.Lock()
_joined: dict[object, Future[Any]] = {}


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
