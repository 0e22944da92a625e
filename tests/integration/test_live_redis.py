"""A collector in one process, a socket in another, Redis between them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from django.test import Client
from pytest_django import Settings

from django_celery_monitor.live import sources
from django_celery_monitor.live.publish import EVERY, Publisher
from tests.fixtures.processes import StartProcess, project_env
from tests.integration.people import person, signed_in
from tests.integration.sockets import Clock, in_loop, opened
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

COLLECTOR = """
import django
django.setup()
from django.conf import settings
settings.CHANNEL_LAYERS["default"]["BACKEND"] = {backend!r}
from django_celery_monitor.live.publish import Publisher
publisher = Publisher()
publisher.changed(41, ["a-task", "\u017elu\u0165"], ["w1@host"])
publisher.changed(42, ["b-task"], [])
publisher.close()
"""
BACKENDS = [
    "channels_redis.pubsub.RedisPubSubChannelLayer",
    "channels_redis.core.RedisChannelLayer",
]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, settings: Settings, redis_url: str) -> str:
    path: str = request.param
    # redis-py 8 gives an answer five seconds by default, as long as the core layer waits for news.
    hosts = [{"address": redis_url, "socket_timeout": 20}]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": path, "CONFIG": {"hosts": hosts}}}
    return path


@in_loop
async def test_a_change_crosses_processes(
    backend: str, redis_url: str, start_process: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The database must not be the one that tells.
    monkeypatch.setattr(sources, "GRACE", 3600)
    client: Client = await sync_to_async(
        lambda: signed_in(person("p", "view_task", "view_worker"))
    )()
    async with opened(client) as found:
        await joined(redis_url)
        env = project_env("memory://", "cache+memory://", channel_layer_url=redis_url)
        await sync_to_async(start_process)("-c", COLLECTOR.format(backend=backend), env=env)
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["revision"] < 42:
            heard.append(await found.receive_json_from(timeout=20))
    assert {task for each in heard for task in each["tasks"]} == {"a-task", "b-task", "žluť"}
    assert heard[0]["workers"] == ["w1@host"]


async def joined(redis_url: str) -> None:
    """Until the socket listens: in a sorted set with one layer, to a channel with the other."""

    def listens() -> bool:
        with redis.Redis.from_url(redis_url) as client:
            return bool(client.keys("*group*")) or bool(client.pubsub_channels("*group*"))

    await asyncio.to_thread(wait_until, listens)


def test_a_publisher_leaves_no_connection_behind(backend: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        before = client.info("clients")["connected_clients"]
        clock = Clock()
        publisher = Publisher(clock)
        for revision in range(20):
            publisher.changed(revision, [f"t{revision}"], [])
            wait_until(lambda: not publisher.sending)
            clock.now += EVERY
        assert client.info("clients")["connected_clients"] <= before + 1
        publisher.close()
        wait_until(lambda: client.info("clients")["connected_clients"] <= before)
    channel_layers.backends.clear()
