from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.db import connections

from django_celery_monitor.models import Task

pytestmark = [
    pytest.mark.django_db(databases="__all__", transaction=True),
    pytest.mark.parametrize("alias", ["mariadb"], indirect=True),
]


def warned(alias: str) -> bool:
    return "celery_monitor.W003" in {message.id for message in run_checks(databases=[alias])}


@pytest.mark.parametrize(
    ("collation", "bad"),
    [
        ("utf8mb4_nopad_bin", False),
        ("utf8mb4_bin", True),  # forgets spaces at the end
        ("utf8mb4_general_ci", True),
        ("utf8mb4_unicode_nopad_ci", True),
        ("utf8mb3_nopad_bin", True),  # holds no emoji
        ("latin1_nopad_bin", True),
    ],
)
def test_a_collation_that_mistakes_ids_is_warned_of(
    alias: str, monkeypatch: pytest.MonkeyPatch, collation: str, bad: bool
) -> None:
    monkeypatch.setattr(Task._meta, "db_table", "strange_tasks")
    with connections[alias].cursor() as cursor:
        cursor.execute(f"CREATE TABLE strange_tasks (id varchar(255) COLLATE {collation})")
        try:
            assert warned(alias) is bad
        finally:
            cursor.execute("DROP TABLE strange_tasks")


def test_before_the_tables_are_made_the_database_is_looked_at(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Task._meta, "db_table", "strange_tasks")
    name = connections[alias].settings_dict["NAME"]
    with connections[alias].cursor() as cursor:
        assert not warned(alias)
        cursor.execute(f"ALTER DATABASE {name} COLLATE utf8mb4_general_ci")
        try:
            assert warned(alias)
        finally:
            cursor.execute(f"ALTER DATABASE {name} COLLATE utf8mb4_nopad_bin")
