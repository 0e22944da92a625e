"""The collector's side: telling the web processes what was committed."""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import Any, Final

from django_celery_monitor.live.layer import Outage, crossing_layer
from django_celery_monitor.live.messages import GROUP, Change, to_layer

EVERY: Final = 0.25
PATIENCE: Final = 5.0


class Publisher:
    """Sends changes through the channel layer, at most one message in ``EVERY`` seconds.

    To be called from one thread. Nothing here raises or waits: what cannot be sent is dropped, and
    the sockets find it out by themselves (see ``watcher``).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock()
        self._pending: Change | None = None
        self._sending: Future[None] | None = None
        self._thread: _LoopThread | None = None
        self._outage = Outage("Open pages learn of changes some seconds later.")

    def changed(self, revision: int, tasks: Iterable[str], workers: Iterable[str]) -> None:
        """Announce a commit; call it after the commit."""
        change = Change.of(revision, tasks, workers)
        self._pending = self._pending.with_later(change) if self._pending else change
        self.flush()

    @property
    def sending(self) -> bool:
        """Whether a message is on its way."""
        return self._sending is not None and not self._sending.done()

    def flush(self) -> None:
        """Send what is waiting, if it is time; call it often."""
        if self._pending is not None and not self.sending and self._clock() >= self._due:
            self._due = self._clock() + EVERY
            self._send(self._pending)

    def close(self, timeout: float = 1.0) -> None:
        """Send what is waiting and give up the connections; each step takes ``timeout`` at most."""
        self._wait(timeout)
        if self._pending is not None:
            self._send(self._pending)
            self._wait(timeout)
        if self._thread is not None:
            self._thread.end(timeout)
            self._thread = None
        atexit.unregister(self.close)

    def _wait(self, timeout: float) -> None:
        if self._sending is not None:
            wait([self._sending], timeout)

    def _send(self, change: Change) -> None:
        self._pending = None
        try:
            layer = crossing_layer()
        # A layer may be any package's, and its configuration is the project's.
        except Exception as error:
            self._outage.begin(error)
            return
        if layer is None:
            return
        if self._thread is None:
            self._thread = _LoopThread()
            atexit.register(self.close)
        delivery = self._deliver(layer, change)
        self._sending = asyncio.run_coroutine_threadsafe(delivery, self._thread.loop)

    async def _deliver(self, layer: Any, change: Change) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await layer.group_send(GROUP, to_layer(change))
        except Exception as error:
            self._outage.begin(error)
        else:
            self._outage.end()


class _LoopThread(threading.Thread):
    """One event loop for the life of the process: layers keep their connections per loop."""

    def __init__(self) -> None:
        super().__init__(name="celery-monitor-live", daemon=True)
        self.loop = asyncio.new_event_loop()
        self.start()

    def run(self) -> None:
        self.loop.run_forever()
        # A layer of channels_redis closes its connections with the loop.
        self.loop.close()

    def end(self, timeout: float) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(timeout)
