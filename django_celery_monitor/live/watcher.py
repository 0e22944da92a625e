"""Watching the database's revision: one query a second per process, however many sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

logger = logging.getLogger("django_celery_monitor")


class Watcher:
    """``revision``: the latest one seen; ``None`` before the first answer."""

    interval: ClassVar[float] = 1.0

    def __init__(self) -> None:
        self.revision: int | None = None
        self.sockets = 0
        self._moved = asyncio.Condition()

    async def other_than(self, seen: int | None) -> int:
        """The revision, as soon as there is one that is not ``seen``."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.revision not in (None, seen))
        return self.revision or 0

    async def watch(self) -> None:
        """Never ends: the database may be away now and back at the next turn."""
        away = False
        while True:
            try:
                self.revision = await database_sync_to_async(_revision)()
                away = False
            # Whatever it is: a watcher that died would look like a quiet night.
            except Exception as error:
                if not away:
                    logger.warning("Open pages are not told of changes: %s", error)
                away = True
            async with self._moved:
                self._moved.notify_all()
            await asyncio.sleep(self.interval)


_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Watcher, asyncio.Task[None]]]
_watchers = WeakKeyDictionary()


@asynccontextmanager
async def watching() -> AsyncIterator[Watcher]:
    """This process's watcher; it runs as long as somebody is in here."""
    loop = asyncio.get_running_loop()
    if loop not in _watchers:
        new = Watcher()
        _watchers[loop] = new, asyncio.create_task(new.watch())
    watcher, task = _watchers[loop]
    watcher.sockets += 1
    try:
        yield watcher
    finally:
        watcher.sockets -= 1
        if not watcher.sockets:
            del _watchers[loop]
            task.cancel()


def _revision() -> int:
    from django_celery_monitor.models import Installation

    found = Installation.objects.filter(pk=1).values_list("writes", flat=True).first()
    return found or 0
