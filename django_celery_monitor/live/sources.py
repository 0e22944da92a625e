"""Where a socket hears of changes: from the channel layer at once, from the database at last."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from django_celery_monitor.live.layer import Outage, crossing_layer
from django_celery_monitor.live.messages import GROUP, Change, from_layer
from django_celery_monitor.live.watcher import Watcher

# How long the layer may take to say what the database says already.
GRACE = 3.0
RETRY = 5.0
# Layers forget who joined a group long ago, some after a day.
REJOIN = 3600.0

_outage = Outage("Open pages learn of changes from the database.")


class Mailbox:
    """What a socket has yet to say: merged into one change, however slow its reader is.

    ``revision``: the latest one heard of. ``layered``: whether the layer brings changes, too.
    """

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.layered = False
        self._waiting: Change | None = None
        self._filled = asyncio.Event()

    def add(self, change: Change) -> None:
        self.revision = change.revision
        self._waiting = self._waiting.with_later(change) if self._waiting else change
        self._filled.set()

    async def take(self) -> Change:
        while self._waiting is None:
            self._filled.clear()
            await self._filled.wait()
        change, self._waiting = self._waiting, None
        return change


async def hear_layer(mailbox: Mailbox) -> None:
    """Never ends; does nothing when there is no layer that reaches other processes."""
    while True:
        try:
            layer = crossing_layer()
            if layer is None:
                await asyncio.Event().wait()
            await _listen(layer, mailbox)
        # A layer may be any package's, and its configuration is the project's.
        except Exception as error:
            _outage.begin(error)
            await asyncio.sleep(RETRY)


async def _listen(layer: Any, mailbox: Mailbox) -> None:
    channel = await layer.new_channel()
    try:
        async with asyncio.timeout(REJOIN) as turn:
            await layer.group_add(GROUP, channel)
            mailbox.layered = True
            _outage.end()
            while True:
                mailbox.add(from_layer(await layer.receive(channel)))
    except TimeoutError:
        if not turn.expired():
            raise
    finally:
        mailbox.layered = False
        with suppress(Exception):
            async with asyncio.timeout(1):
                await layer.group_discard(GROUP, channel)


async def watch_database(mailbox: Mailbox, watcher: Watcher) -> None:
    """Never ends. It knows no ids, so while the layer is joined it waits for that to speak."""
    while True:
        revision = await watcher.other_than(mailbox.revision)
        if mailbox.layered:
            heard = mailbox.revision
            await asyncio.sleep(GRACE)
            revision = watcher.revision or revision
            if mailbox.revision != heard or revision == heard:
                continue
        mailbox.add(Change(revision=revision, more=True))
