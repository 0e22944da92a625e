"""System checks; every id is explained in ``docs/reference/checks.md``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from django_celery_monitor import conf
from django_celery_monitor.access.policy import AccessPolicy, project_policy
from django_celery_monitor.ingest.own_redaction import problem
from django_celery_monitor.views.appearance import back_link


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    return [
        Error(problem, hint="See docs/reference/settings.md.", id="celery_monitor.E001")
        for problem in conf.problems()
    ]


@register()
def check_access_policy(**_kwargs: Any) -> list[CheckMessage]:
    try:
        policy: object = project_policy()
        reason = f"it is a {type(policy).__name__}, not an AccessPolicy"
    except ImproperlyConfigured:
        # E001 says it.
        return []
    except (ImportError, TypeError) as error:
        policy, reason = None, str(error)
    if isinstance(policy, AccessPolicy):
        return []
    path = conf.get_settings().ACCESS_POLICY
    return [
        Error(
            f"{conf.SETTING}['ACCESS_POLICY'] is {path!r}, which cannot be used: {reason}.",
            hint="Name a subclass of django_celery_monitor.access.policy.AccessPolicy.",
            id="celery_monitor.E002",
        )
    ]


@register()
def check_own_redaction(**_kwargs: Any) -> list[CheckMessage]:
    """Here it is an error; where it happened, texts would only be missing."""
    settings = conf.Settings() if conf.problems() else conf.get_settings()
    paths = [settings.REDACT_WITH] if settings.REDACT_WITH else []
    found = {path: problem(path) for path in (*paths, *settings.REDACT_WITH_BY.values())}
    return [
        Error(
            f"{path!r} redacts nothing: {reason}.",
            hint=f"See {conf.SETTING}['REDACT_WITH'] and ['REDACT_WITH_BY'].",
            id="celery_monitor.E004",
        )
        for path, reason in found.items()
        if reason
    ]


@register()
def check_appearance(**_kwargs: Any) -> list[CheckMessage]:
    settings = conf.Settings() if conf.problems() else conf.get_settings()
    found: list[CheckMessage] = []
    if settings.LOGO and not settings.LOGO.startswith("/") and finders.find(settings.LOGO) is None:
        found.append(
            Warning(
                f"{conf.SETTING}['LOGO'] is {settings.LOGO!r}, which is no static file.",
                hint="Name it as {% static %} would, or give a path on this host.",
                id="celery_monitor.W004",
            )
        )
    if settings.BACK_LINK and back_link(settings) is None:
        found.append(
            Warning(
                f"{conf.SETTING}['BACK_LINK'] names {settings.BACK_LINK[0]!r}, which is no URL.",
                hint="Name a URL as {% url %} would, or give a path or an address.",
                id="celery_monitor.W005",
            )
        )
    return found


@register()
def check_time_zones(**_kwargs: Any) -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is False, but the times of events are moments, whatever the time zone.",
            hint="Set USE_TZ = True.",
            id="celery_monitor.E003",
        )
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
    databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """Deferred transactions on SQLite fail with "database is locked" beside a second writer."""
    connection = _connection(databases, "sqlite")
    if connection is None:
        return []
    options = connection.settings_dict.get("OPTIONS", {})
    if str(options.get("transaction_mode", "")).upper() in {"IMMEDIATE", "EXCLUSIVE"}:
        return []
    return [
        Warning(
            f"SQLite database {connection.alias!r} uses deferred transactions.",
            hint=(
                'Set OPTIONS = {"transaction_mode": "IMMEDIATE", '
                '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}.'
            ),
            id="celery_monitor.W002",
        )
    ]


@register(Tags.database)
def check_mysql_collation(
    databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """To the usual collations "a" and "A" are one task, and one overwrites the other."""
    connection = _connection(databases, "mysql")
    if connection is None:
        return []
    collation, exact = _collation(connection)
    if exact:
        return []
    return [
        Warning(
            f"Database {connection.alias!r} keeps our texts in the collation {collation}, which "
            "takes different ones for the same or cannot hold all.",
            hint=(
                "Use utf8mb4_nopad_bin on MariaDB, utf8mb4_0900_bin on MySQL; "
                "docs/how-to/databases.md says how."
            ),
            id="celery_monitor.W003",
        )
    ]


def _collation(connection: BaseDatabaseWrapper) -> tuple[str, bool]:
    """Of a task's id, or what it will have; and whether it tells all texts apart."""
    from django_celery_monitor.models import Task

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE((SELECT COLLATION_NAME FROM information_schema.COLUMNS WHERE"
            " TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND COLUMN_NAME = 'id'),"
            " @@collation_database)",
            [Task._meta.db_table],
        )
        [collation] = cursor.fetchone()
        if not collation.startswith("utf8mb4_"):
            return collation, False
        # Some binary ones too ignore spaces at the end.
        cursor.execute(
            "SELECT CONVERT('a' USING utf8mb4) COLLATE "
            f"{connection.ops.quote_name(collation)} IN ('A', 'á', 'a ')"
        )
        [same] = cursor.fetchone()
    return collation, not same


def _connection(databases: Sequence[str] | None, vendor: str) -> BaseDatabaseWrapper | None:
    """The one that our tables are written through, if it is checked and the vendor's."""
    from django_celery_monitor.models import Task

    connection = connections[router.db_for_write(Task)]
    asked = connection.alias in (databases or [])
    return connection if asked and connection.vendor == vendor else None
