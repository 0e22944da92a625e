"""Our collector as a project runs it, with everything on that is on by default."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import psycopg

from benchmarks.places import postgresql_database, redis_database
from benchmarks.subjects.subject import ROOT, Subject

_SIZE = """
    SELECT pg_total_relation_size('django_celery_monitor_task')::float / greatest(count(*), 1)
    FROM django_celery_monitor_task
"""
_COUNT = "SELECT coalesce(sum({length}), 0) FROM django_celery_monitor_task"


class Ours(Subject):
    """In the tests' Django project, with a channel layer to announce changes on."""

    @contextmanager
    def prepared(self) -> Iterator[Mapping[str, str]]:
        with self.database() as self.database_url, redis_database() as layer_url:
            variables = {
                "DJANGO_SETTINGS_MODULE": "tests.project.settings",
                "TEST_CHANNEL_LAYER_URL": layer_url,
                "TEST_DATABASE_URL": self.database_url,
            }
            subprocess.run(
                [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
                cwd=ROOT,
                env=os.environ | variables,
                check=True,
            )
            yield variables

    def command(self) -> list[str]:
        return [sys.executable, "-m", "django", "celerymonitor"]

    def is_listening(self) -> bool:
        return "Listening to" in self.output()

    @abstractmethod
    def database(self) -> AbstractContextManager[str]:
        """An empty database's URL."""


class OursInPostgreSQL(Ours):
    name = "ours, PostgreSQL"

    def database(self) -> AbstractContextManager[str]:
        return postgresql_database()

    def known_events(self) -> int:
        with psycopg.connect(self.database_url) as connection:
            return _number(connection, "json_array_length(events::json)")

    def task_bytes(self) -> float:
        """As after an autovacuum: what is free in the table's pages still belongs to it."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("VACUUM django_celery_monitor_task")
            row = connection.execute(_SIZE).fetchone()
        return float(row[0]) if row else 0.0


class OursInSQLite(Ours):
    name = "ours, SQLite"

    @contextmanager
    def database(self) -> Iterator[str]:
        yield f"sqlite://{self.folder / 'monitor.sqlite3'}"

    def known_events(self) -> int:
        with closing(sqlite3.connect(self.folder / "monitor.sqlite3", timeout=30)) as connection:
            return _number(connection, "json_array_length(events)")


def _number(connection: Any, length: str) -> int:
    return int(connection.execute(_COUNT.format(length=length)).fetchone()[0])
