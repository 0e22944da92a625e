"""Reading as of one moment, for as long as it takes, while others go on writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connections

_BEGIN: Final = {
    "postgresql": ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    "mysql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
}


@contextmanager
def snapshot(using: str) -> Iterator[None]:
    """Everything read inside is of one moment, and nobody waits; nothing can be written.

    Inside a transaction that is open already, it is as consistent as that one. ``atomic`` will not
    do: Django may begin with SQLite's write lock, and elsewhere each statement sees a new moment.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        for statement in _BEGIN.get(connection.vendor, ("BEGIN",)):
            cursor.execute(statement)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
