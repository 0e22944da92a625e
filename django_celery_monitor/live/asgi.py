"""The socket beside a project's own ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.urls import Resolver404, resolve
from django.utils import translation

Application = Callable[[Any, Any, Any], Awaitable[Any]]


def with_live(application: Application) -> Application:
    """Serve the monitor's socket; everything else goes on to ``application``.

    In ``asgi.py``: ``application = with_live(get_asgi_application())``.
    """
    if find_spec("channels") is None:
        msg = 'with_live needs channels: pip install "django-celery-monitor[live]".'
        raise ImproperlyConfigured(msg)

    async def route(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await application(scope, receive, send)
        elif is_live(scope["path"].removeprefix(get_script_prefix(scope))):
            # Only here are Django's apps sure to be ready.
            from django_celery_monitor.live.consumer import LiveConsumer

            await LiveConsumer.application(scope, receive, send)
        elif isinstance(application, ASGIHandler):
            # Django itself raises on websockets, for every stranger who tries one.
            await send({"type": "websocket.close"})
        else:
            await application(scope, receive, send)

    return route


def is_live(path: str) -> bool:
    """Whether the monitor's socket is at a path (without the server's own prefix)."""
    try:
        language = translation.get_language_from_path(path) or translation.get_language()
        with translation.override(language):
            return resolve(path).view_name == "celery_monitor:live"
    except Resolver404:
        return False
