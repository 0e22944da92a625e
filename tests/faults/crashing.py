"""Kills the process at a boundary between two stages."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from django_celery_monitor.ingest.decode import Decoder
from django_celery_monitor.ingest.receiver import Receiver
from django_celery_monitor.live.publish import Publisher
from django_celery_monitor.storage import batch, bulk, known, lock

Act = Callable[[], None]
_storing = threading.local()


def arm(point: str, number: int) -> None:
    """Die at the ``number``-th pass of ``point``."""
    passes = itertools.count(1)

    def act() -> None:
        if next(passes) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    POINTS[point](act)


def _before(owner: Any, name: str, act: Act) -> None:
    original = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        act()
        return original(*args, **kwargs)

    _replace(owner, name, call)


def _after(owner: Any, name: str, act: Act) -> None:
    original = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        act()
        return found

    _replace(owner, name, call)


def _replace(owner: Any, name: str, call: Any) -> None:
    """Also where another module of ours has imported it by name."""
    original = getattr(owner, name)
    setattr(owner, name, call)
    for module in [*sys.modules.values()]:
        if getattr(module, "__name__", "").startswith("django_celery_monitor."):
            for key, value in [*vars(module).items()]:
                if value is original:
                    setattr(module, key, call)


def _received(act: Act) -> None:
    """There are messages, not only an end of waiting for them."""
    original = Receiver.take

    def take(*args: Any) -> Any:
        found = original(*args)
        if found:
            act()
        return found

    _replace(Receiver, "take", take)


def _written(act: Act) -> None:
    """Before the commit of a batch, not of what else is stored."""
    original = batch.store

    def store(*args: Any, **kwargs: Any) -> Any:
        _storing.now = True
        try:
            return original(*args, **kwargs)
        finally:
            _storing.now = False

    _replace(batch, "store", store)
    _before(BaseDatabaseWrapper, "commit", lambda: act() if _is_storing() else None)


def _is_storing() -> bool:
    return getattr(_storing, "now", False)


def _acknowledged(act: Act) -> None:
    """The broker was told; open pages perhaps not yet."""
    original = Receiver._acknowledge

    def acknowledge(self: Receiver, channel: Any) -> None:
        tells = self.durable and self._stored is not None
        original(self, channel)
        if tells:
            act()

    _replace(Receiver, "_acknowledge", acknowledge)


# In the order in which a batch passes them.
POINTS: dict[str, Callable[[Act], None]] = {
    "received": _received,
    "decoded": lambda act: _after(Decoder, "decode", act),
    "locked": lambda act: _after(lock, "acquire", act),
    "loaded": lambda act: _after(known, "load", act),
    "writing": lambda act: _before(bulk, "upsert", act),
    "written": _written,
    "committed": lambda act: _after(batch, "store", act),
    "announced": lambda act: _after(Publisher, "changed", act),
    # The receiver's thread is asked to acknowledge, and has not yet.
    "noted": lambda act: _after(Receiver, "acknowledge", act),
    "acknowledged": _acknowledged,
}
