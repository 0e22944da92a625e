"""Masks secrets before they leave the process that publishes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kombu.utils.json import JSONEncoder

from django_celery_monitor.conf import Settings
from django_celery_monitor.ingest.own_redaction import OwnRedaction
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.ingest.signatures import secret_positions
from django_celery_monitor.recorder.arguments import REDACTED
from django_celery_monitor.recorder.canvas import any_signature

if TYPE_CHECKING:
    from celery import Celery

# The letters beyond ASCII whose lower case has one of ASCII in it, as JSON writes them.
_FOLDED: Final = ("\\u212a", "\\u0130")
_OTHERS: Final = ("headers", "stamps", "chord", "origin")
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
        self._own = OwnRedaction(settings)
        self._redactor = Redactor(keys, patterns, self._positions)
        # What JSON or a pattern sees otherwise than the values are is looked at value by value.
        self._always = bool(patterns) or not all(map(_is_plain, keys))
        self._signs = ("://", *_FOLDED, *(key.lower() for key in keys))

    def mask(self, events: list[dict[str, Any]]) -> None:
        """Changes those events that have to be changed."""
        clean = self._is_clean(*events)
        for event in events:
            for field in _OTHERS:
                if field in event:
                    event[field] = self._redactor.value(event[field])
            if "canvas" in event and self._is_secret(json.loads(event["canvas"])):
                del event["canvas"]
                event["canvas_flaw"] = REDACTED
            name = event["name"]
            if name not in self._tasks and event["args"] not in _NONE:
                # It has no signature here, so any of them may be the secret one.
                event["args"], event["payload"], event["flaw"] = "", None, REDACTED
            if self._positions(name) or not (clean or self._is_clean(event)):
                self._mask(name, event)
            if self._own.active:
                self._own.event(name, event)

    def _is_secret(self, canvas: dict[str, Any]) -> bool:
        """Nothing of it is kept then: half of it is not what is to follow."""
        return any_signature(canvas, self._hides) or self._redactor.value(canvas) != canvas

    def _hides(self, name: str, args: list[Any], kwargs: Any) -> bool:
        # What comes before them when it runs, such as a result, moves them to other positions.
        if args and (name not in self._tasks or self._positions(name)):
            return True
        text = _encode([args, kwargs])
        return self._own.active and self._own.text(name, "payload", text) != text

    def _is_clean(self, *events: dict[str, Any]) -> bool:
        """Whether one look at all their arguments tells that there is nothing to mask."""
        if self._always:
            return False
        texts = "\n".join(
            f"{event['args']}\n{event['kwargs']}\n{event.get('payload')}" for event in events
        ).lower()
        return not any(sign in texts for sign in self._signs)

    def _mask(self, name: str, event: dict[str, Any]) -> None:
        event["args"] = self._redactor.args(name, event["args"])
        event["kwargs"] = self._redactor.value(event["kwargs"])
        if payload := event.get("payload"):
            # Not by kombu: what stands for a value of another type is to stay as it is.
            args, kwargs = json.loads(payload)
            masked = [self._redactor.args(name, args), self._redactor.value(kwargs)]
            if masked != [args, kwargs]:
                event["payload"], event["flaw"] = _encode(masked), REDACTED


def _is_plain(key: str) -> bool:
    return key.isascii() and key.isprintable() and '"' not in key and "\\" not in key
