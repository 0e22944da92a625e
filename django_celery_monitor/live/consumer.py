"""One browser's socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ClassVar, Final

from channels.db import database_sync_to_async
from django.db import Error as DatabaseAway
from django.http import parse_cookie

from django_celery_monitor.conf import get_settings
from django_celery_monitor.live.messages import changed, hello, pong
from django_celery_monitor.live.origin import is_welcome
from django_celery_monitor.live.rights import Rights, rights_of
from django_celery_monitor.live.sources import Mailbox, hear_layer, watch_database
from django_celery_monitor.live.watcher import Watcher, watching

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SIGN_IN: Final = 4401
FORBIDDEN: Final = 4403
TRY_LATER: Final = 1013
# Nothing that a browser of ours says is longer.
LONGEST = 100


class LiveConsumer:
    """Says hello, then tells of changes until the reader leaves or loses the right to know."""

    recheck_seconds: ClassVar[float] = 30.0
    pause_seconds: ClassVar[float] = 0.25

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._rights: Rights | None = None

    @classmethod
    async def application(cls, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application; it looks at Origin and session itself, so wrap it in nothing."""
        await cls(scope, receive, send)._run()

    async def _run(self) -> None:
        await self._receive()
        code = await self._refusal()
        if code is None:
            await self._send({"type": "websocket.accept"})
            async with watching() as watcher:
                code = await _first(self._read(), self._guard(), self._tell(watcher))
        if code is not None:
            await self._send({"type": "websocket.close", "code": code})

    async def _refusal(self) -> int | None:
        """The code to close with, if this reader may not know anything; looks afresh."""
        if not get_settings().LIVE or not is_welcome(self._scope["headers"]):
            return FORBIDDEN
        try:
            self._rights = await database_sync_to_async(rights_of)(self._cookies())
        except DatabaseAway:
            return TRY_LATER
        if self._rights.any:
            return None
        return FORBIDDEN if self._rights.signed_in else SIGN_IN

    def _cookies(self) -> dict[str, str]:
        headers = self._scope["headers"]
        return parse_cookie(
            "; ".join(value.decode("latin1") for name, value in headers if name == b"cookie")
        )

    async def _read(self) -> None:
        """Ends when the browser leaves; of what it says, only a ping is answered."""
        while (message := await self._receive())["type"] != "websocket.disconnect":
            if _is_ping(message.get("text")):
                await self._say(pong())

    async def _guard(self) -> int:
        """Ends when the reader may not know any more."""
        while True:
            await asyncio.sleep(self.recheck_seconds)
            code = await self._refusal()
            if code is not None:
                return code

    async def _tell(self, watcher: Watcher) -> None:
        revision = await watcher.other_than(None)
        await self._say(hello(revision))
        mailbox = Mailbox(revision)
        await _first(hear_layer(mailbox), watch_database(mailbox, watcher), self._forward(mailbox))

    async def _forward(self, mailbox: Mailbox) -> None:
        while True:
            change = await mailbox.take()
            text = changed(change, self._rights) if self._rights else None
            if text:
                await self._say(text)
            await asyncio.sleep(self.pause_seconds)

    async def _say(self, text: str) -> None:
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError:
            # The browser is gone, and ``_read`` is about to hear of it.
            await asyncio.Event().wait()


async def _first(*jobs: Coroutine[Any, Any, int | None]) -> int | None:
    """What the first of the jobs returns, or raises; the others are cancelled."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task.result() for task in tasks if task in done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_ping(text: str | None) -> bool:
    if not text or len(text) > LONGEST:
        return False
    try:
        said = json.loads(text)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("type") == "ping"
