"""Sockets as open pages hold them, each with the time at which it heard of each task."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import connect


@dataclass(slots=True)
class Heard:
    """``at``: task id and the moment, by the monotonic clock, for each name in each frame."""

    frames: int = 0
    broken: int = 0
    at: list[tuple[str, float]] = field(default_factory=list)


async def view(url: str, origin: str, cookie: str, said: Sequence[str], heard: Heard) -> None:
    """Never ends."""
    headers = {"Cookie": cookie}
    async with connect(url, origin=origin, additional_headers=headers) as socket:
        for text in said:
            await socket.send(text)
        async for text in socket:
            now = time.monotonic()
            message = json.loads(text)
            if message["type"] == "changed":
                heard.frames += 1
                heard.at += [(task_id, now) for task_id in message["tasks"]]
    heard.broken += 1


async def watch(
    viewers: int, url: str, origin: str, cookie: str, said: Sequence[str], seconds: float
) -> list[Heard]:
    """What each of so many sockets hears in so many seconds."""
    heard = [Heard() for _viewer in range(viewers)]
    jobs = [asyncio.create_task(view(url, origin, cookie, said, each)) for each in heard]
    await asyncio.sleep(seconds)
    for job in jobs:
        job.cancel()
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    failed = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    if failed:
        raise SystemExit(f"{len(failed)} sockets broke, the first with: {failed[0]!r}")
    return heard
