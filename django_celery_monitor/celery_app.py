"""Finds the project's Celery app, as Celery's own Django support does."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any
from weakref import WeakSet

from celery import Celery, current_app
from celery.app.utils import find_app as find_celery_app
from django.core.exceptions import ImproperlyConfigured

from django_celery_monitor.conf import SETTING, get_settings

_loaded: WeakSet[Any] = WeakSet()


def find_app(path: str | None = None) -> Celery:
    """The app at ``path`` or in ``CELERY_MONITOR["APP"]``, else the one beside the settings module.

    Raises ``ImproperlyConfigured`` when there is none.
    """
    path = path or get_settings().APP or _beside_settings()
    if path is None:
        return current_app._get_current_object()  # type: ignore[no-any-return, attr-defined]
    try:
        app: object = find_celery_app(path)
    # Value and type errors: a path that is none, such as "..".
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise _no_app(path, error) from error
    if not isinstance(app, Celery):
        raise _no_app(path, f"it is a {type(app).__name__}")
    return app


def load_tasks(app: Celery) -> None:
    """Import the app's tasks, which only workers do by themselves.

    Once: each time it takes all of Django's system checks, so a twentieth of a second.
    """
    if app not in _loaded:
        app.loader.import_default_modules()
        _loaded.add(app)


def _no_app(path: str, reason: object) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"No Celery app at {path!r}: {reason}. Set {SETTING}['APP'] or --app to its dotted"
        " path, such as 'proj.celery:app'."
    )


def _beside_settings() -> str | None:
    """The project's package, when importing its ``celery`` module makes an app."""
    package = os.environ.get("DJANGO_SETTINGS_MODULE", "").rpartition(".")[0]
    while package:
        try:
            import_module(f"{package}.celery")
        except ModuleNotFoundError as error:
            if error.name not in (f"{package}.celery", package):
                raise
            package = package.rpartition(".")[0]
        else:
            return f"{package}.celery"
    return None
