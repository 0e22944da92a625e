"""How replies and arguments are made fit to be kept, by the project's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.told import Reader
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.ingest.signatures import secret_positions

if TYPE_CHECKING:
    from celery import Celery


def redactor(app: Celery) -> Redactor:
    settings = get_settings()
    keys, patterns = settings.REDACT_KEYS, settings.REDACT_PATTERNS
    return Redactor(keys, patterns, secret_positions(app, Redactor(keys, patterns).is_secret))


def reader(app: Celery) -> Reader:
    settings = get_settings()
    keys, patterns = settings.REDACT_KEYS, settings.REDACT_PATTERNS
    return Reader(redactor(app), keys, patterns, max_text=settings.MAX_TEXT)
