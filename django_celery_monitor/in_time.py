"""Questions to a database that are given up when they take too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import OperationalError, connections, transaction

T = TypeVar("T")

_CANCELED: Final = "57014"
_LIMIT: Final = (
    "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)"
)


def in_time(using: str, seconds: float, ask: Callable[[], T]) -> T | None:
    """What ``ask`` answers, ``None`` if one of its questions takes longer.

    Only PostgreSQL can be told; others are let finish.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return ask()
    try:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(_LIMIT, [str(max(round(seconds * 1000), 1))])
            [(before, _now)] = cursor.fetchall()
            answer = ask()
            # Around this may be a transaction that goes on.
            cursor.execute(_LIMIT, [before])
            return answer
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _CANCELED:
            raise
        return None
