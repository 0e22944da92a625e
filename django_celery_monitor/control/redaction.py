"""How replies and arguments are made fit to be kept, by the project's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.conf import Settings, get_settings
from django_celery_monitor.control.told import Reader
from django_celery_monitor.ingest.own_redaction import OwnRedaction
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.ingest.signatures import secret_positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


class ActRedactor(Redactor):
    """Asks the project's own callable too, as far as that is for all tasks alike."""

    def __init__(self, settings: Settings, positions: Callable[[str], frozenset[int]]) -> None:
        super().__init__(settings.REDACT_KEYS, settings.REDACT_PATTERNS, positions)
        self._own = OwnRedaction(settings)

    def text(self, text: str) -> str:
        return self._own.anywhere("act", super().text(text))


def names_secret(query: str) -> bool:
    """Whether a filter, as in an address, has what may not be stored; it would find nothing: what
    it looks for is masked in all that is searched.
    """
    masks = redactor(find_app())
    pairs = parse_qsl(query, keep_blank_values=True)
    return any(masks.value(value, name) != value for name, value in pairs)


def redactor(app: Celery) -> Redactor:
    """For what people do; ``reader`` is for what workers tell of tasks."""
    settings = get_settings()
    return ActRedactor(settings, _positions(app, settings))


def _positions(app: Celery, settings: Settings) -> Callable[[str], frozenset[int]]:
    return secret_positions(app, Redactor(settings.REDACT_KEYS, settings.REDACT_PATTERNS).is_secret)


def reader(app: Celery) -> Reader:
    settings = get_settings()
    keys, patterns = settings.REDACT_KEYS, settings.REDACT_PATTERNS
    masks = Redactor(keys, patterns, _positions(app, settings))
    return Reader(masks, keys, patterns, max_text=settings.MAX_TEXT, own=OwnRedaction(settings))
