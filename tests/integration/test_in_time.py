from __future__ import annotations

import pytest
from django.db import OperationalError, connections, transaction

from django_celery_monitor.in_time import in_time

pytestmark = pytest.mark.django_db(databases=["default", "postgresql"])


def asked(question: str, using: str = "postgresql") -> str:
    with connections[using].cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def limit() -> str:
    return asked("SHOW statement_timeout")


def test_what_takes_too_long_is_given_up_and_nothing_is_broken() -> None:
    before = limit()
    with transaction.atomic("postgresql"):
        assert in_time("postgresql", 0.02, lambda: asked("SELECT pg_sleep(60)")) is None
        assert limit() == before
        assert asked("SELECT 1") == "1"


def test_what_is_in_time_is_answered_and_the_limit_is_gone() -> None:
    before = limit()
    with transaction.atomic("postgresql"):
        assert in_time("postgresql", 5, limit) == "5s"
        assert limit() == before


def test_other_errors_are_not_taken_for_it() -> None:
    def ends_itself() -> str:
        return asked("SELECT pg_terminate_backend(pg_backend_pid())")

    connection = connections["postgresql"].copy("postgresql")
    connections["postgresql"], kept = connection, connections["postgresql"]
    try:
        with pytest.raises(OperationalError):
            in_time("postgresql", 5, ends_itself)
    finally:
        connection.close()
        connections["postgresql"] = kept


def test_sqlite_is_stopped_too() -> None:
    endless = """
        WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more)
        SELECT COUNT(*) FROM more
    """
    assert in_time("default", 0.02, lambda: asked(endless, "default")) is None
    assert in_time("default", 5.0, lambda: asked("SELECT 1", "default")) == "1"
    assert asked("SELECT 2", "default") == "2"
