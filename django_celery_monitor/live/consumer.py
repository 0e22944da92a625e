"""One browser's socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, Final

from channels.db import database_sync_to_async
from django.db import Error as DatabaseAway
from django.http import parse_cookie

from django_celery_monitor.conf import get_settings
from django_celery_monitor.filters import FilterError
from django_celery_monitor.live import subscriptions
from django_celery_monitor.live.messages import (
    Change,
    changed,
    hello,
    listed,
    pong,
    refused,
    subscribed,
)
from django_celery_monitor.live.origin import is_welcome
from django_celery_monitor.live.rights import Rights, rights_of
from django_celery_monitor.live.sources import Mailbox, hear_layer, watch_database
from django_celery_monitor.live.subscriptions import Subscription
from django_celery_monitor.live.watcher import Watcher, watching

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SIGN_IN: Final = 4401
FORBIDDEN: Final = 4403
TRY_LATER: Final = 1013
# Nothing that a browser of ours says is longer.
LONGEST = subscriptions.LONGEST + 100


class LiveConsumer:
    """Says hello, then tells of changes until the reader leaves or loses the right to know."""

    recheck_seconds: ClassVar[float] = 30.0
    pause_seconds: ClassVar[float] = 0.25

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._rights: Rights | None = None
        self._subscription: Subscription | None = None
        self._leave = ExitStack()

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
                with self._leave:
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
        """Ends when the browser leaves; what it says and we do not know is ignored."""
        while (message := await self._receive())["type"] != "websocket.disconnect":
            said = _understood(message.get("text"))
            if said.get("type") == "ping":
                await self._say(pong())
            elif said.get("type") == "subscribe" and self._rights:
                await self._say(self._subscribe(said.get("query"), self._rights))

    def _subscribe(self, query: object, rights: Rights) -> str:
        """Take one list in place of another, or none; the answer."""
        self._subscription = None
        self._leave.close()
        if not isinstance(query, str):
            return subscribed(None)
        try:
            entered = self._leave.enter_context(subscriptions.subscribed(query, rights))
        except FilterError as error:
            return refused(str(error))
        self._subscription = entered
        return subscribed(query)

    async def _guard(self) -> int:
        """Ends when the reader may not know any more."""
        while True:
            await asyncio.sleep(self.recheck_seconds)
            code = await self._refusal()
            if code is not None:
                return code
            await self._look_again()

    async def _look_again(self) -> None:
        """Subscribe anew: the rights may be others than they were."""
        known, rights = self._subscription, self._rights
        if known and rights:
            answer = self._subscribe(known.query, rights)
            if self._subscription:
                self._subscription.told = known.told
            else:
                await self._say(answer)

    async def _tell(self, watcher: Watcher) -> None:
        revision = await watcher.other_than(None)
        await self._say(hello(revision))
        mailbox = Mailbox(revision)
        await _first(hear_layer(mailbox), watch_database(mailbox, watcher), self._forward(mailbox))

    async def _forward(self, mailbox: Mailbox) -> None:
        while True:
            text = await self._news(await mailbox.take())
            if text:
                await self._say(text)
            await asyncio.sleep(self.pause_seconds)

    async def _news(self, change: Change) -> str | None:
        if self._rights and self._subscription:
            try:
                tasks = await self._subscription.news(change.revision)
            except (DatabaseAway, FilterError):
                tasks = None
            if tasks is not None:
                return listed(change.revision, tasks) if tasks else None
        return changed(change, self._rights) if self._rights else None

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


def _understood(text: str | None) -> dict[str, Any]:
    if not text or len(text) > LONGEST:
        return {}
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
