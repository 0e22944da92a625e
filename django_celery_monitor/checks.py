"""System checks; every id is explained in ``docs/reference/checks.md``."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, router

from django_celery_monitor import conf


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    return [
        Error(problem, hint="See docs/reference/settings.md.", id="celery_monitor.E001")
        for problem in conf.problems()
    ]


@register()
def check_namesake(**_kwargs: Any) -> list[CheckMessage]:
    try:
        version = metadata.version("django-celery-monitor")
    except metadata.PackageNotFoundError:
        return []
    if not version.startswith(("0.", "1.")):
        return []
    return [
        Warning(
            f"The unrelated distribution django-celery-monitor {version} is installed.",
            hint="Uninstall it, then install this package (2.0 or newer) again.",
            id="celery_monitor.W001",
        )
    ]


@register(Tags.database)
def check_sqlite_transactions(
    databases: list[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """Deferred transactions on SQLite fail with "database is locked" beside a second writer."""
    from django_celery_monitor.models import Task

    alias = router.db_for_write(Task)
    connection = connections[alias]
    if alias not in (databases or []) or connection.vendor != "sqlite":
        return []
    options = connection.settings_dict.get("OPTIONS", {})
    if str(options.get("transaction_mode", "")).upper() in {"IMMEDIATE", "EXCLUSIVE"}:
        return []
    return [
        Warning(
            f"SQLite database {alias!r} uses deferred transactions.",
            hint=(
                'Set OPTIONS = {"transaction_mode": "IMMEDIATE", '
                '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}.'
            ),
            id="celery_monitor.W002",
        )
    ]
