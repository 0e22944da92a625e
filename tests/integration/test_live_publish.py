"""The collector's side of the channel layer."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from channels.layers import channel_layers
from pytest_django import Settings

from django_celery_monitor.live import publish
from django_celery_monitor.live.messages import MAX_IDS, Change, changed, from_layer, to_layer
from django_celery_monitor.live.publish import EVERY, Publisher
from django_celery_monitor.live.rights import Rights
from tests.integration.sockets import Clock, SharedLayer
from tests.waiting import wait_until

EVERYTHING = Rights(signed_in=True, tasks=True, workers=True, names=True)


@pytest.fixture
def layer(settings: Settings) -> SharedLayer:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.integration.sockets.SharedLayer"}}
    return cast("SharedLayer", channel_layers["default"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publisher(clock: Clock) -> Iterator[Publisher]:
    found = Publisher(clock)
    yield found
    found.close()


def loops() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "celery-monitor-live"]


def test_a_change_is_sent_at_once(layer: SharedLayer, publisher: Publisher) -> None:
    publisher.changed(7, ["t1"], ["w1@host"])
    wait_until(lambda: layer.sent)
    assert layer.sent == [to_layer(Change.of(7, ["t1"], ["w1@host"]))]


def test_what_follows_waits_and_is_sent_together(
    layer: SharedLayer, publisher: Publisher, clock: Clock
) -> None:
    publisher.changed(1, ["t1"], [])
    wait_until(lambda: not publisher.sending)
    publisher.changed(2, ["t2"], ["w1@host"])
    publisher.changed(3, ["t3", "t2"], [])
    publisher.flush()
    assert len(layer.sent) == 1
    clock.now += EVERY
    publisher.flush()
    wait_until(lambda: len(layer.sent) == 2)
    assert from_layer(layer.sent[1]) == Change.of(3, ["t2", "t3"], ["w1@host"])
    clock.now += EVERY
    publisher.flush()
    publisher.close()
    assert len(layer.sent) == 2


def test_too_many_names_become_more(layer: SharedLayer, publisher: Publisher) -> None:
    publisher.changed(1, [f"t{number}" for number in range(MAX_IDS + 1)], [])
    wait_until(lambda: layer.sent)
    assert len(layer.sent[0]["tasks"]) == MAX_IDS
    assert layer.sent[0]["more"] is True


def test_one_thread_and_one_loop_serve_for_ever(
    layer: SharedLayer, publisher: Publisher, clock: Clock
) -> None:
    for revision in range(1, 6):
        publisher.changed(revision, [], ["w1@host"])
        wait_until(lambda: not publisher.sending)
        clock.now += EVERY
    assert len(layer.sent) == 5
    assert len(loops()) == 1
    publisher.close()
    assert loops() == []


def test_what_is_left_is_sent_at_the_end(layer: SharedLayer, publisher: Publisher) -> None:
    publisher.changed(1, ["t1"], [])
    wait_until(lambda: layer.sent)
    publisher.changed(2, ["t2"], [])
    publisher.close()
    assert [message["revision"] for message in layer.sent] == [1, 2]


def test_a_layer_that_is_away_is_said_once_and_its_return_once(
    layer: SharedLayer,
    publisher: Publisher,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="django_celery_monitor")
    layer.away = True
    for revision in range(1, 4):
        publisher.changed(revision, ["t1"], [])
        wait_until(lambda: not publisher.sending)
        clock.now += EVERY
    layer.away = False
    publisher.changed(9, ["t9"], [])
    wait_until(lambda: "is back" in caplog.text)
    assert [message["revision"] for message in layer.sent] == [9]
    said = [record.levelname for record in caplog.records]
    assert said == ["WARNING", "INFO"]


def test_a_layer_that_hangs_holds_nothing_up(
    layer: SharedLayer,
    publisher: Publisher,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(publish, "PATIENCE", 0.05)
    send = layer.group_send

    async def hang(*_arguments: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(layer, "group_send", hang)
    publisher.changed(1, ["t1"], [])
    clock.now += EVERY
    publisher.changed(2, ["t2"], [])
    wait_until(lambda: "is away" in caplog.text)
    monkeypatch.setattr(layer, "group_send", send)
    wait_until(lambda: not publisher.sending)
    publisher.flush()
    wait_until(lambda: layer.sent)
    assert layer.sent[0]["revision"] == 2


@pytest.mark.parametrize(
    "layers",
    [{}, {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}],
)
def test_without_a_layer_that_reaches_others_nothing_is_started(
    settings: Settings, publisher: Publisher, layers: dict[str, Any]
) -> None:
    settings.CHANNEL_LAYERS = layers
    publisher.changed(1, ["t1"], [])
    assert loops() == []


def test_live_switched_off_sends_nothing(
    settings: Settings, layer: SharedLayer, publisher: Publisher
) -> None:
    settings.CELERY_MONITOR = {"LIVE": False}
    publisher.changed(1, ["t1"], [])
    publisher.close()
    assert layer.sent == []


def test_a_layer_that_cannot_be_configured_never_raises(
    settings: Settings, publisher: Publisher, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "nowhere.Layer"}}
    publisher.changed(1, ["t1"], [])
    clock.now += EVERY
    publisher.changed(2, ["t1"], [])
    assert caplog.text.count("is away") == 1


def test_a_change_that_names_nothing_says_nothing() -> None:
    assert changed(Change.of(1, [], []), EVERYTHING) is None
