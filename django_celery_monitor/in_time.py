"""Questions to a database that are given up when they take too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import OperationalError, connections, transaction

T = TypeVar("T")

_CANCELED: Final = "57014"
_LIMIT: Final = """
    SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)
"""
# Steps of SQLite's machine between two looks at the clock: some dozens of rows.
_STEPS: Final = 1000
_INTERRUPTED: Final = "SQLITE_INTERRUPT"


def in_time(using: str, seconds: float, ask: Callable[[], T]) -> T | None:
    """What ``ask`` answers, ``None`` if one of its questions takes longer.

    Only PostgreSQL and SQLite can be stopped; others are let finish.
    """
    connection = connections[using]
    stopping = {"postgresql": _in_postgresql, "sqlite": _in_sqlite}.get(connection.vendor)
    if stopping is None:
        return ask()
    try:
        return stopping(connection, seconds, ask)
    except OperationalError as error:
        cause = error.__cause__
        if getattr(cause, "sqlstate", None) == _CANCELED:
            return None
        if getattr(cause, "sqlite_errorname", None) == _INTERRUPTED:
            return None
        raise


def _in_postgresql(connection: Any, seconds: float, ask: Callable[[], T]) -> T:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(_LIMIT, [str(max(round(seconds * 1000), 1))])
        [(before, _now)] = cursor.fetchall()
        answer = ask()
        # Around this may be a transaction that goes on.
        cursor.execute(_LIMIT, [before])
        return answer


def _in_sqlite(connection: Any, seconds: float, ask: Callable[[], T]) -> T:
    connection.ensure_connection()
    end, own = time.perf_counter() + seconds, connection.connection
    own.set_progress_handler(lambda: time.perf_counter() > end, _STEPS)
    try:
        return ask()
    finally:
        own.set_progress_handler(None, 0)
