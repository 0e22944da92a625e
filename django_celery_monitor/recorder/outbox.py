"""Between the publishing threads, which never wait, and the broker, which may be slow or away."""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Final

from django_celery_monitor.conf import get_settings
from django_celery_monitor.recorder.capture import Captured
from django_celery_monitor.recorder.link import Link, NoEventsError
from django_celery_monitor.recorder.writer import Writer

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

MOST_WAITING: Final = 10_000
_MOST_BYTES: Final = 16 * 1024 * 1024
_BATCH: Final = 500
# Seconds in which events gather before they are sent together.
_WINDOW: Final = 0.2
# After so many seconds with nothing to send, thread and connection go until they are needed.
_IDLE: Final = 30.0
_FIRST_DELAY: Final = 0.5
_MAX_DELAY: Final = 30.0
# A message that fails so often on connections that were open is not the connection's fault.
_MOST_TRIES: Final = 3


class Outbox:
    """A bounded buffer and the thread that empties it, for one app.

    The thread runs only while there is something to send, and a while longer.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self.dropped = 0
        self.forget()

    def forget(self) -> None:
        """Be as new: in a forked process, what waits is its parent's to send."""
        self._queue: queue.SimpleQueue[Captured | None] = queue.SimpleQueue()
        self._unsent: deque[bytes] = deque()
        self._starting = threading.Lock()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = self._stopping = self._full = self._away = self._useless = False
        # Of what waits, about: threads that add at once may count one of them only.
        self._bytes = 0
        self._tries = 0
        self._delay = _FIRST_DELAY

    def add(self, captured: Captured) -> None:
        """Never waits. When too much waits already, it is counted and dropped."""
        if self._useless:
            return
        if self._queue.qsize() >= MOST_WAITING or self._bytes > _MOST_BYTES:
            self._drop("too many wait to be sent")
            return
        self._bytes += len(captured.payload) + len(captured.canvas)
        self._queue.put(captured)
        if not self._running:
            self._start()

    def flush(self, timeout: float) -> None:
        """Send what waits, for so many seconds at most, and let the thread end."""
        if not self._running and (self._unsent or not self._queue.empty()):
            self._start()
        thread = self._thread
        if thread is not None and self._running:
            self._stopping = True
            self._hurry.set()
            self._queue.put(None)
            thread.join(timeout)

    def _start(self) -> None:
        # Whoever holds it starts the thread for both.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if not self._running:
                self._stopping = False
                self._hurry.clear()
                thread = threading.Thread(target=self._run, name="celery-monitor", daemon=True)
                self._running = True
                self._thread = thread
                thread.start()
        except RuntimeError:
            # The interpreter is about to end.
            self._running = False
        finally:
            self._starting.release()

    def _run(self) -> None:
        try:
            self._work()
        # What fails here fails with every event, and none of them may wait for ever.
        except Exception:
            self._running, self._useless = False, True
            logger.exception("The recorder gave up", extra={"action": "recorder_failed"})

    def _work(self) -> None:
        writer = Writer(self._app, get_settings())
        with closing(Link(self._app, writer.hostname)) as link:
            while True:
                came = bool(self._unsent) or self._take(writer)
                self._deliver(link)
                # What is left unsent cannot be sent now.
                finished = self._stopping and (self._unsent or self._queue.empty())
                if not came or finished:
                    self._running = False
                    if self._stopping or not self._again():
                        return

    def _again(self) -> bool:
        """Whether something came just before nobody would have looked for it any more."""
        if self._queue.empty() or not self._starting.acquire(blocking=False):
            return False
        try:
            found, self._running = not self._running, True
            return found
        finally:
            self._starting.release()

    def _take(self, writer: Writer) -> bool:
        """Write what waits, or what comes soon; ``False``: nothing came for long."""
        try:
            first = self._queue.get(timeout=_IDLE)
        except queue.Empty:
            return False
        self._hurry.wait(_WINDOW)
        self._bytes = 0
        items = [first] if first else []
        while not self._queue.empty() and (len(items) < _BATCH or self._stopping):
            item = self._queue.get()
            if item:
                items.append(item)
        self._unsent.extend(writer.messages(items))
        return True

    def _deliver(self, link: Link) -> None:
        while self._unsent:
            try:
                link.publish(self._unsent[0])
            except NoEventsError:
                self._useless = True
                self._unsent.clear()
                return
            # Every transport raises errors of its own, and none may end this thread.
            except Exception as error:
                self._failed(link, error)
                return
            self._unsent.popleft()
            self._succeeded()

    def _succeeded(self) -> None:
        self._tries, self._delay, self._full = 0, _FIRST_DELAY, False
        if self._away:
            self._away = False
            logger.warning(
                "The recorder reaches the broker again; %d events dropped so far",
                self.dropped,
                extra={"action": "recorder_back"},
            )

    def _failed(self, link: Link, error: Exception) -> None:
        self._tries += link.is_open
        link.close()
        if not self._away:
            self._away = True
            logger.warning(
                "The recorder cannot send: %s; it tries on",
                error,
                extra={"action": "recorder_away"},
            )
        if self._tries >= _MOST_TRIES:
            self._tries = 0
            self._unsent.popleft()
            self._drop("the broker refuses them")
        if not self._stopping:
            self._hurry.wait(self._delay * random.uniform(0.5, 1.0))  # noqa: S311
            self._delay = min(self._delay * 2, _MAX_DELAY)

    def _drop(self, reason: str) -> None:
        self.dropped += 1
        if not self._full:
            self._full = True
            logger.warning(
                "The recorder drops events: %s", reason, extra={"action": "recorder_drops"}
            )
