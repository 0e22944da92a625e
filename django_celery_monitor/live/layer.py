"""The project's channel layer, if it has one that reaches other processes."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

from django_celery_monitor.conf import get_settings

logger = logging.getLogger("django_celery_monitor")


class Outage:
    """Says once that the layer is away, and once that it is back."""

    def __init__(self, consequence: str) -> None:
        self._consequence = consequence
        self._on = False

    def begin(self, error: Exception) -> None:
        if not self._on:
            kind = type(error).__name__
            logger.warning("The channel layer is away (%s: %s). %s", kind, error, self._consequence)
        self._on = True

    def end(self) -> None:
        if self._on:
            logger.info("The channel layer is back.")
        self._on = False


def crossing_layer() -> Any:
    """``None`` without a layer, with one that stays in this process, or when ``LIVE`` is off.

    Raises what the project's layer raises when its configuration is wrong.
    """
    if not get_settings().LIVE or find_spec("channels") is None:
        return None
    from channels.layers import InMemoryChannelLayer, get_channel_layer

    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer
