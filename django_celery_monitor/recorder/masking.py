"""Masks secrets before they leave the process that publishes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kombu.utils.json import JSONEncoder

from django_celery_monitor.conf import Settings
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.ingest.signatures import secret_positions
from django_celery_monitor.recorder.arguments import REDACTED

if TYPE_CHECKING:
    from celery import Celery

# The letters beyond ASCII whose lower case has one of ASCII in it, as JSON writes them.
_FOLDED: Final = ("\\u212a", "\\u0130")
_NONE: Final = frozenset({"", "()", "[]"})
_encode: Final = JSONEncoder().encode


class Masking:
    """One look at the texts of an event tells of most that there is nothing to mask."""

    def __init__(self, app: Celery, settings: Settings) -> None:
        keys, patterns = settings.REDACT_KEYS, settings.REDACT_PATTERNS
        by_name = Redactor(keys, patterns)
        # A process that publishes need not have the tasks, and this thread must not import them.
        self._positions = secret_positions(app, by_name.is_secret, load=False)
        self._tasks = app.tasks
        self._redactor = Redactor(keys, patterns, self._positions)
        # What JSON or a pattern sees otherwise than the values are is looked at value by value.
        self._always = bool(patterns) or not all(map(_is_plain, keys))
        self._signs = ("://", *_FOLDED, *(key.lower() for key in keys))

    def mask(self, event: dict[str, Any]) -> None:
        """Changes the event where it has to be."""
        for field in ("headers", "stamps", "chord", "origin"):
            if field in event:
                event[field] = self._redactor.value(event[field])
        name = event["name"]
        if name not in self._tasks and event["args"] not in _NONE:
            # It has no signature here, so any of them may be the secret one.
            event["args"], event["payload"], event["flaw"] = "", None, REDACTED
        args, kwargs, payload = event["args"], event["kwargs"], event.get("payload")
        if not (self._always or self._positions(name)):
            texts = f"{args}\n{kwargs}\n{payload}".lower()
            for sign in self._signs:
                if sign in texts:
                    break
            else:
                return
        event["args"] = self._redactor.args(name, args)
        event["kwargs"] = self._redactor.value(kwargs)
        if payload:
            masked = self._payload(name, payload)
            if masked != payload:
                event["payload"], event["flaw"] = masked, REDACTED

    def _payload(self, name: str, payload: str) -> str:
        # Not by kombu: what stands for a value of another type is to stay as it is.
        args, kwargs = json.loads(payload)
        return _encode([self._redactor.args(name, args), self._redactor.value(kwargs)])


def _is_plain(key: str) -> bool:
    return key.isascii() and key.isprintable() and '"' not in key and "\\" not in key
