"""Whether the collector can start: the answers of ``celerymonitor --check``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.core.checks import Tags, run_checks
from django.db import OperationalError, connections, router
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from django_celery_monitor.ingest.queues import (
    TransportError,
    connection_to_read,
    event_queue,
    passing_errors,
)
from django_celery_monitor.models import Task

if TYPE_CHECKING:
    from celery import Celery


def problems(app: Celery, *, broker: bool) -> list[str]:
    """What keeps the collector from working, one sentence each; ``broker``: connect to it too."""
    alias = router.db_for_write(Task)
    found = [
        str(message.msg)
        for message in run_checks(tags=[Tags.database], databases=[alias])
        if message.is_serious()
    ]
    found += _database_problems(alias)
    return found + (_broker_problems(app) if broker else [])


def _database_problems(alias: str) -> list[str]:
    try:
        executor = MigrationExecutor(connections[alias])
    except OperationalError as error:
        return [_("Database %(alias)s: %(error)s") % {"alias": alias, "error": error}]
    targets = [
        node for node in executor.loader.graph.leaf_nodes() if node[0] == Task._meta.app_label
    ]
    if executor.migration_plan(targets):
        return [_("Database %(alias)s lacks migrations: run manage.py migrate.") % {"alias": alias}]
    return []


def _broker_problems(app: Celery) -> list[str]:
    try:
        connection = connection_to_read(app)
    except TransportError as error:
        return [str(error)]
    with connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
            event_queue(app, connection, UUID(int=0))
        except TransportError as error:
            return [str(error)]
        except passing_errors(connection) as error:
            return [_("Broker %(url)s: %(error)s") % {"url": connection.as_uri(), "error": error}]
    return []
