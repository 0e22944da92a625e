"""The bounded queue between the thread that receives and the one that stores."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Final, NamedTuple

from django_celery_monitor.events import Timestamp

logger = logging.getLogger("django_celery_monitor")

# Messages held in memory.
CAPACITY: Final = 5_000
# How long a broker that keeps nothing is made to wait, with what it buffers itself: Redis hangs up
# on who reads nothing for a minute.
_PATIENCE: Final = 20.0
_STEP: Final = 0.1


class Received(NamedTuple):
    """One message. ``subscription`` and ``tag`` say what to acknowledge.

    ``at``: when it came, by a clock that only goes forward.
    """

    subscription: int
    tag: Any
    body: bytes
    at: float


class Dropped(NamedTuple):
    """Messages that found no room, from the first's arrival to the last's."""

    number: int
    first: Timestamp
    last: Timestamp


class Buffer:
    """``keeps_all``: the broker sends no more than fits, so nothing is ever dropped."""

    def __init__(self, *, keeps_all: bool) -> None:
        self.keeps_all = keeps_all
        self._messages: queue.Queue[Received] = queue.Queue(CAPACITY)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._dropped: Dropped | None = None
        self._dropping = False
        self._number = self._bytes = 0

    def __len__(self) -> int:
        return self._messages.qsize()

    @property
    def mean_size(self) -> float:
        """Bytes of a message, on average; 0 before the first."""
        return self._bytes / max(self._number, 1)

    def put(self, message: Received) -> None:
        """Wait for room; after a while without any, drop the message and note when."""
        self._number += 1
        self._bytes += len(message.body)
        until = time.monotonic() + _PATIENCE
        while not self._closed.is_set():
            try:
                self._messages.put(message, timeout=0.0 if self._dropping else _STEP)
            except queue.Full:
                if self._dropping or (not self.keeps_all and time.monotonic() > until):
                    self._drop()
                    return
            else:
                self._dropping = False
                return

    def take(self, events: int, within: float) -> list[Received]:
        """Messages with about ``events`` events, or what comes ``within`` seconds of the first."""
        try:
            taken = [self._messages.get(timeout=within)]
        except queue.Empty:
            return []
        count = _count(taken[0])
        deadline = time.monotonic() + within
        while count < events:
            try:
                left = deadline - time.monotonic()
                message = self._messages.get(block=left > 0, timeout=max(left, 0.0))
            except queue.Empty:
                break
            taken.append(message)
            count += _count(message)
        return taken

    def take_dropped(self) -> Dropped | None:
        """What was dropped since it was last asked."""
        with self._lock:
            dropped, self._dropped = self._dropped, None
        return dropped

    def clear(self) -> None:
        while True:
            try:
                self._messages.get_nowait()
            except queue.Empty:
                return

    def close(self) -> None:
        """Wait for room no longer."""
        self._closed.set()

    def _drop(self) -> None:
        if not self._dropping:
            logger.warning(
                "Holding %d messages that cannot be stored; dropping what comes",
                CAPACITY,
                extra={"action": "dropping"},
            )
        self._dropping = True
        now = time.time()
        with self._lock:
            before = self._dropped or Dropped(0, now, now)
            self._dropped = Dropped(before.number + 1, before.first, now)


def _count(message: Received) -> int:
    # Near enough to size a batch, and far cheaper than decoding here.
    return message.body.count(b'"hostname"') or 1
