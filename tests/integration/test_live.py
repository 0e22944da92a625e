"""Sockets, from the handshake to the last message."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.live import consumer as consumer_module
from django_celery_monitor.live import sources
from django_celery_monitor.live import watcher as watcher_module
from django_celery_monitor.live.consumer import LiveConsumer
from django_celery_monitor.live.layer import Outage
from django_celery_monitor.live.messages import GROUP, Change, to_layer
from django_celery_monitor.live.watcher import Watcher
from django_celery_monitor.models import Installation
from tests.integration.people import person, signed_in
from tests.integration.sockets import (
    ORIGIN,
    SharedLayer,
    in_loop,
    opened,
    socket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watcher, "interval", 0.01)
    monkeypatch.setattr(LiveConsumer, "recheck_seconds", 0.03)
    monkeypatch.setattr(LiveConsumer, "pause_seconds", 0.0)
    monkeypatch.setattr(sources, "GRACE", 0.05)
    monkeypatch.setattr(sources, "RETRY", 0.01)
    monkeypatch.setattr(sources, "_outage", Outage("It is said once for the whole process."))


@pytest.fixture
def viewer() -> Client:
    return signed_in(person("viewer", "view_task", "view_worker"))


@pytest.fixture
def layer(settings: Settings) -> SharedLayer:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.integration.sockets.SharedLayer"}}
    return cast("SharedLayer", channel_layers["default"])


class HidingPolicy(AccessPolicy):
    """A project's own policy that shows only some rows."""

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.none()


class OpenPolicy(AccessPolicy):
    """A project's own policy that shows tasks to everybody."""

    def can(self, user: Any, act: str, obj: object = None) -> bool:
        return act == "view_task"


async def write() -> int:
    """What a collector does with every batch, as far as sockets can see."""

    def add() -> int:
        row, _created = Installation.objects.get_or_create(pk=1)
        row.writes += 1
        row.save()
        return row.writes

    return await sync_to_async(add)()


# Who is let in


@in_loop
async def test_somebody_who_is_not_signed_in_is_refused() -> None:
    assert await socket().connect() == (False, 4401)


@in_loop
async def test_somebody_without_any_right_is_refused() -> None:
    nobody = await sync_to_async(lambda: signed_in(person("nobody", "view_badevent")))()
    assert await socket(nobody).connect() == (False, 4403)


@pytest.mark.parametrize("codename", ["view_task", "view_worker"])
@in_loop
async def test_either_right_opens_the_socket(codename: str) -> None:
    client = await sync_to_async(lambda: signed_in(person("p", codename)))()
    async with opened(client):
        pass


@in_loop
async def test_a_superuser_needs_no_grant() -> None:
    client = await sync_to_async(lambda: signed_in(User.objects.create_superuser("root")))()
    async with opened(client):
        pass


@in_loop
async def test_an_account_that_was_deactivated_is_nobody(viewer: Client) -> None:
    await User.objects.aupdate(is_active=False)
    assert await socket(viewer).connect() == (False, 4401)


@in_loop
async def test_a_session_that_ended_is_nobodys(viewer: Client) -> None:
    stale = socket(viewer)
    await sync_to_async(viewer.logout)()
    assert await stale.connect() == (False, 4401)


@in_loop
async def test_a_session_that_makes_no_sense_is_nobodys(viewer: Client) -> None:
    def spoil() -> None:
        session = viewer.session
        session[SESSION_KEY] = "not a number"
        session.save()

    await sync_to_async(spoil)()
    assert await socket(viewer).connect() == (False, 4401)


@in_loop
async def test_a_policy_may_open_the_socket_to_everybody(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OpenPolicy"}
    async with opened(None):
        pass


@in_loop
async def test_live_switched_off_refuses_everybody(viewer: Client, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"LIVE": False}
    assert await socket(viewer).connect() == (False, 4403)


@in_loop
async def test_while_the_database_is_away_a_browser_is_told_to_try_later(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "rights_of", fail)
    assert await socket(viewer).connect() == (False, 1013)


def fail(*_arguments: object) -> Any:
    raise OperationalError("the database is away")


# Which pages may open it


@pytest.mark.parametrize(
    ("origin", "allowed_hosts", "expected"),
    [
        (ORIGIN, ["testserver"], True),
        ("https://TESTSERVER:8443", ["testserver"], True),
        (None, ["testserver"], False),
        ("null", ["testserver"], False),
        ("http://evil.example", ["testserver"], False),
        ("http://[::1", ["testserver"], False),
        ("http://testserver:99999999", ["testserver"], True),
        ("http://a.example.org", [".example.org"], True),
        # Any name may lead to such a project, but not any page may look inside.
        (ORIGIN, ["*"], True),
        ("http://evil.example", ["*"], False),
        (None, ["*"], False),
        ("https://trusted.example", ["testserver"], True),
        ("http://trusted.example", ["testserver"], False),
        ("https://a.trusted.org", ["testserver"], True),
    ],
)
@in_loop
async def test_only_pages_of_this_site_or_a_trusted_one_may_open_it(
    viewer: Client,
    settings: Settings,
    origin: str | None,
    allowed_hosts: list[str],
    expected: bool,
) -> None:
    settings.ALLOWED_HOSTS = allowed_hosts
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example", "https://*.trusted.org"]
    found = socket(viewer, origin=origin)
    assert await found.connect() == ((True, None) if expected else (False, 4403))
    await found.disconnect()


@in_loop
async def test_behind_a_proxy_the_forwarded_host_is_the_own_one(
    viewer: Client, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    forwarded = ((b"x-forwarded-host", b"monitor.example"),)
    found = socket(viewer, origin="https://monitor.example", extra=forwarded)
    assert await found.connect() == (False, 4403)
    settings.USE_X_FORWARDED_HOST = True
    async with opened(viewer, origin="https://monitor.example", extra=forwarded):
        pass


@in_loop
async def test_a_new_project_in_debug_mode_lets_its_own_machine_in(
    viewer: Client, settings: Settings
) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    async with opened(viewer, origin="http://localhost:8000"):
        pass
    assert await socket(viewer, origin="http://evil.example").connect() == (False, 4403)


# What it hears, without a layer


@in_loop
async def test_hello_carries_the_revision(viewer: Client) -> None:
    await write()
    revision = await write()
    async with opened(viewer) as found:
        assert found.hello == {"v": 1, "type": "hello", "revision": revision}


@in_loop
async def test_before_the_first_batch_the_revision_is_zero(viewer: Client) -> None:
    await Installation.objects.all().adelete()
    async with opened(viewer) as found:
        assert found.hello["revision"] == 0


@in_loop
async def test_without_a_layer_the_database_is_watched(viewer: Client) -> None:
    async with opened(viewer) as found:
        revision = await write()
        assert await found.receive_json_from() == {
            "v": 1,
            "type": "changed",
            "revision": revision,
            "tasks": [],
            "workers": [],
            "more": True,
        }
        assert await found.receive_nothing(0.05)


@in_loop
async def test_many_sockets_cost_one_query_a_turn(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = itertools.count(1)
    monkeypatch.setattr(watcher_module, "_revision", lambda: next(turns))
    monkeypatch.setattr(Watcher, "interval", 3600)
    async with opened(viewer), opened(viewer), opened(viewer):
        assert next(turns) == 2


@in_loop
async def test_the_watcher_stops_with_the_last_socket(viewer: Client) -> None:
    async with opened(viewer):
        assert len(watcher_module._watchers) == 1
    assert len(watcher_module._watchers) == 0


@in_loop
async def test_a_database_that_was_away_is_watched_again(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(viewer) as found:
        ask = watcher_module._revision
        failures: list[int] = []

        def away() -> int:
            failures.append(1)
            raise OperationalError("the database is away")

        monkeypatch.setattr(watcher_module, "_revision", away)
        async with asyncio.timeout(5):
            while len(failures) < 3:
                await asyncio.sleep(0)
        monkeypatch.setattr(watcher_module, "_revision", ask)
        revision = await write()
        assert (await found.receive_json_from())["revision"] == revision
    assert caplog.text.count("the database is away") == 1


# What it hears, through a layer


@in_loop
async def test_a_layer_brings_names(viewer: Client, layer: SharedLayer) -> None:
    async with opened(viewer) as found:
        revision = await write()
        await joined(layer)
        await layer.group_send(GROUP, to_layer(Change.of(revision, ["b", "a"], ["w1@host"])))
        assert await found.receive_json_from() == {
            "v": 1,
            "type": "changed",
            "revision": revision,
            "tasks": ["a", "b"],
            "workers": ["w1@host"],
            "more": False,
        }
        # What the layer has said, the database need not say again.
        assert await found.receive_nothing(0.2)


async def joined(layer: SharedLayer) -> None:
    async with asyncio.timeout(5):
        while not layer.inner.groups.get(GROUP):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("codename", "tasks", "workers"), [("view_task", ["t1"], []), ("view_worker", [], ["w1@host"])]
)
@in_loop
async def test_names_go_only_to_those_who_may_see_what_they_name(
    layer: SharedLayer, codename: str, tasks: list[str], workers: list[str]
) -> None:
    client = await sync_to_async(lambda: signed_in(person("p", codename)))()
    async with opened(client) as found:
        await joined(layer)
        await layer.group_send(GROUP, to_layer(Change.of(5, ["t1"], ["w1@host"])))
        heard = await found.receive_json_from()
        assert (heard["tasks"], heard["workers"], heard["more"]) == (tasks, workers, False)


@in_loop
async def test_a_change_of_what_one_may_not_see_is_not_even_mentioned(layer: SharedLayer) -> None:
    client = await sync_to_async(lambda: signed_in(person("p", "view_worker")))()
    async with opened(client) as found:
        await joined(layer)
        revision = await write()
        await layer.group_send(GROUP, to_layer(Change.of(revision, ["t1"], [])))
        assert await found.receive_nothing(0.2)


@in_loop
async def test_a_policy_that_hides_rows_gets_no_names(
    viewer: Client, layer: SharedLayer, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.HidingPolicy"}
    async with opened(viewer) as found:
        await joined(layer)
        await layer.group_send(GROUP, to_layer(Change.of(5, ["t1"], ["w1@host"])))
        heard = await found.receive_json_from()
        assert (heard["tasks"], heard["workers"], heard["more"]) == ([], [], True)


@in_loop
async def test_changes_that_a_layer_lost_are_found_in_the_database(
    viewer: Client, layer: SharedLayer
) -> None:
    async with opened(viewer) as found:
        await joined(layer)
        revision = await write()
        heard = await found.receive_json_from()
        assert (heard["revision"], heard["more"]) == (revision, True)


@in_loop
async def test_a_layer_that_is_away_is_said_once_and_joined_again(
    viewer: Client, layer: SharedLayer, caplog: pytest.LogCaptureFixture
) -> None:
    layer.away = True
    async with opened(viewer) as found, opened(viewer) as other:
        revision = await write()
        assert (await found.receive_json_from())["revision"] == revision
        assert (await other.receive_json_from())["revision"] == revision
        layer.away = False
        await joined(layer)
    assert caplog.text.count("The channel layer is away") == 1


@in_loop
async def test_a_layer_that_forgets_its_groups_is_joined_anew(
    viewer: Client, layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "REJOIN", 0.01)
    joined: list[str] = []
    add = layer.group_add

    async def note(group: str, channel: str) -> None:
        joined.append(channel)
        await add(group, channel)

    monkeypatch.setattr(layer, "group_add", note)
    async with opened(viewer), asyncio.timeout(5):
        while len(joined) < 3:
            await asyncio.sleep(0)


@in_loop
async def test_a_layer_that_times_out_is_away(
    viewer: Client,
    layer: SharedLayer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def slow(_channel: str) -> None:
        raise TimeoutError

    monkeypatch.setattr(layer, "receive", slow)
    async with opened(viewer) as found:
        revision = await write()
        assert (await found.receive_json_from())["revision"] == revision
    assert "The channel layer is away" in caplog.text


@in_loop
async def test_a_layer_that_cannot_be_configured_leaves_the_database(
    viewer: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "nowhere.Layer"}}
    async with opened(viewer) as found:
        revision = await write()
        assert (await found.receive_json_from())["revision"] == revision


# What it says


@in_loop
async def test_a_ping_is_answered_and_all_else_ignored(viewer: Client) -> None:
    async with opened(viewer) as found:
        for text in (
            "{",
            "[]",
            '"ping"',
            '{"type":"changed"}',
            '{"type":"ping"' + " " * 3000 + "}",
        ):
            await found.send_to(text_data=text)
        await found.send_to(bytes_data=b'{"type":"ping"}')
        await found.send_json_to({"type": "ping"})
        assert await found.receive_json_from() == {"v": 1, "type": "pong"}
        assert await found.receive_nothing(0.02)


# Who is sent away again


@pytest.mark.parametrize(
    ("lose", "code"),
    [
        (lambda: User.objects.get(username="viewer").user_permissions.clear(), 4403),
        (lambda: User.objects.update(is_active=False), 4401),
        (lambda: User.objects.all().delete(), 4401),
        (lambda: change_password("viewer"), 4401),
    ],
)
@in_loop
async def test_who_may_not_know_any_more_is_sent_away(viewer: Client, lose: Any, code: int) -> None:
    async with opened(viewer) as found:
        await sync_to_async(lose)()
        assert await found.receive_output() == {"type": "websocket.close", "code": code}


def change_password(name: str) -> None:
    user = User.objects.get(username=name)
    user.set_password("another")
    user.save()


@in_loop
async def test_who_signs_out_is_sent_away(viewer: Client) -> None:
    async with opened(viewer) as found:
        await sync_to_async(viewer.logout)()
        assert await found.receive_output() == {"type": "websocket.close", "code": 4401}


@in_loop
async def test_who_loses_one_right_of_two_stays_and_hears_less(
    viewer: Client, layer: SharedLayer
) -> None:
    async with opened(viewer) as found:
        await joined(layer)
        user = await User.objects.aget(username="viewer")
        view_task = await Permission.objects.aget(codename="view_task")
        await user.user_permissions.aremove(view_task)
        async with asyncio.timeout(5):
            heard = {"tasks": ["t1"]}
            while heard["tasks"]:
                await layer.group_send(GROUP, to_layer(Change.of(5, ["t1"], ["w1@host"])))
                heard = await found.receive_json_from()
        assert heard["workers"] == ["w1@host"]


@in_loop
async def test_a_rotated_secret_key_signs_nobody_out(viewer: Client, settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    async with opened(viewer):
        pass
    answer = await sync_to_async(viewer.get)("/admin/login/")
    assert answer.wsgi_request.user.is_authenticated


@in_loop
async def test_a_browser_that_vanished_in_mid_sentence_is_no_error(viewer: Client) -> None:
    """Servers raise OSError then; the disconnect follows."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await heard.put({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await heard.put({"type": "websocket.disconnect", "code": 1006})
            raise OSError("gone")

    async with asyncio.timeout(5):
        await LiveConsumer.application(socket(viewer).scope, heard.get, send)
