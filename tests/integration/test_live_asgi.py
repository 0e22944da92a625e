"""Where the socket is found, in whatever way a project is mounted."""

from __future__ import annotations

from typing import Any, cast

import pytest
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf.urls.i18n import i18n_patterns
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from django_celery_monitor.live.asgi import is_live, with_live
from django_celery_monitor.live.routing import websocket_urlpatterns
from tests.integration.people import person, signed_in
from tests.integration.sockets import in_loop, opened, socket

pytestmark = pytest.mark.django_db


class Elsewhere:
    """A project's URLs."""

    urlpatterns = [path("ops/jobs/", include("django_celery_monitor.urls"))]


class Languages:
    """A project's URLs."""

    urlpatterns = i18n_patterns(path("monitor/", include("django_celery_monitor.urls")))


class Nowhere:
    """A project's URLs."""

    urlpatterns: list[Any] = []


@pytest.fixture
def viewer() -> Client:
    return signed_in(person("viewer", "view_task"))


class Project:
    """A project's own ASGI application, which routes websockets as well."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append((scope["type"], scope.get("path", "")))
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4000})


@in_loop
async def test_everything_else_goes_on_to_the_project() -> None:
    project = Project()
    await with_live(project)({"type": "lifespan"}, None, None)
    await with_live(project)({"type": "http", "path": "/monitor/live/"}, None, None)
    found = socket(path="/chat/", application=with_live(project))
    assert await found.connect() == (False, 4000)
    assert project.asked == [("lifespan", ""), ("http", "/monitor/live/"), ("websocket", "/chat/")]


@in_loop
async def test_a_strangers_socket_is_closed_where_django_would_raise() -> None:
    found = socket(path="/wp-admin/", application=with_live(ASGIHandler()))
    assert await found.connect() == (False, 1000)


def test_without_channels_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_celery_monitor.live.asgi.find_spec", lambda _name: None)
    with pytest.raises(ImproperlyConfigured, match=r"django-celery-monitor\[live\]"):
        with_live(Project())


@pytest.mark.parametrize(
    ("root_path", "address"),
    [("/app", "/app/monitor/live/"), ("/app", "/monitor/live/"), ("", "/monitor/live/")],
)
@in_loop
async def test_a_servers_prefix_is_taken_off(viewer: Client, root_path: str, address: str) -> None:
    async with opened(viewer, path=address, root_path=root_path):
        pass


@in_loop
async def test_a_forced_script_name_is_taken_off(viewer: Client, settings: Settings) -> None:
    settings.FORCE_SCRIPT_NAME = "/app"
    async with opened(viewer, path="/app/monitor/live/"):
        pass


@pytest.mark.parametrize(
    ("urls", "address", "expected"),
    [
        (Elsewhere, "/ops/jobs/live/", True),
        (Elsewhere, "/monitor/live/", False),
        (Languages, "/de/monitor/live/", True),
        (Languages, "/en/monitor/live/", True),
        (Nowhere, "/monitor/live/", False),
    ],
)
def test_the_address_is_the_one_in_the_projects_urls(
    settings: Settings, urls: type, address: str, expected: bool
) -> None:
    settings.ROOT_URLCONF = urls
    assert is_live(address) is expected


@in_loop
async def test_a_project_with_its_own_router_adds_our_patterns(viewer: Client) -> None:
    project = Project()
    router = URLRouter([*websocket_urlpatterns, path("chat/", cast("Any", project))])
    application = ProtocolTypeRouter({"websocket": router})
    async with opened(viewer, application=application):
        pass
    assert await socket(path="/chat/", application=application).connect() == (False, 4000)


@in_loop
async def test_in_a_router_strangers_are_refused_too() -> None:
    application = URLRouter(websocket_urlpatterns)
    assert await socket(application=application).connect() == (False, 4401)
