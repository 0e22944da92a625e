"""For projects that route websockets themselves: add these patterns to their ``URLRouter``."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern
from django.urls.resolvers import RoutePattern

from django_celery_monitor.live.asgi import is_live
from django_celery_monitor.live.consumer import LiveConsumer


class LivePattern(RoutePattern):
    """Matches the address that ``celery_monitor:live`` has in the project's own URLs."""

    def match(self, path: str) -> Any:
        return ("", (), {}) if is_live(f"/{path}") else None


websocket_urlpatterns: list[Any] = [
    URLPattern(LivePattern("live", is_endpoint=True), LiveConsumer.application)
]
