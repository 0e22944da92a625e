"""Browsers' sockets without a browser or a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec, cast

import pytest
from asgiref.sync import async_to_sync
from channels.layers import BaseChannelLayer, InMemoryChannelLayer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.test import Client

from django_celery_monitor.live.asgi import with_live

PATH = "/monitor/live/"
ORIGIN = "http://testserver"

P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test so that its queries run in the test's own thread and transaction."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with pytest.MonkeyPatch.context() as patch:
            # Or it would close the test's connection, for being in a transaction; Django's own
            # test client leaves it out for the same reason.
            patch.setattr("channels.db.close_old_connections", lambda: None)
            async_to_sync(test)(*args, **kwargs)

    return run


class Socket(WebsocketCommunicator):
    """``hello``: the first thing it heard."""

    hello: dict[str, Any]

    # Patient, because a second is short on a busy machine.
    async def receive_output(self, timeout: float = 1) -> Any:
        return await super().receive_output(max(timeout, 10))

    async def wait(self, timeout: float = 1) -> None:
        await super().wait(max(timeout, 10))


def socket(
    client: Client | None = None,
    *,
    path: str = PATH,
    application: Any = None,
    origin: str | None = ORIGIN,
    extra: tuple[tuple[bytes, bytes], ...] = (),
    **scope: Any,
) -> Socket:
    headers = [(b"host", b"testserver")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if client is not None:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        headers.append((b"cookie", cookie.OutputString(attrs=[]).encode()))
    found = Socket(application or with_live(ASGIHandler()), path, [*headers, *extra])
    cast("dict[str, Any]", found.scope).update(scope)
    return found


@asynccontextmanager
async def opened(client: Client | None, **options: Any) -> AsyncIterator[Socket]:
    """A socket that was let in and has heard the hello."""
    found = socket(client, **options)
    assert await found.connect() == (True, None)
    found.hello = await found.receive_json_from()
    try:
        yield found
    finally:
        await found.disconnect()


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class SharedLayer(BaseChannelLayer):
    """A layer that is not known to stay in this process; ``away`` makes it fail."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = InMemoryChannelLayer()
        self.away = False
        self.sent: list[dict[str, Any]] = []

    async def new_channel(self, prefix: str = "specific.") -> str:
        name: str = await self.inner.new_channel(prefix)
        return name

    async def receive(self, channel: str) -> Any:
        return await self.inner.receive(channel)

    async def group_add(self, group: str, channel: str) -> None:
        self._check()
        await self.inner.group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self._check()
        await self.inner.group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self._check()
        self.sent.append(message)
        await self.inner.group_send(group, message)

    def _check(self) -> None:
        if self.away:
            raise ConnectionError("the layer is away")
