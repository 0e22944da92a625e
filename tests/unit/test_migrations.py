from __future__ import annotations

import re
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

import django_celery_monitor

MIGRATIONS = sorted(Path(django_celery_monitor.__file__).parent.glob("migrations/[0-9]*.py"))


@pytest.mark.django_db
def test_no_change_of_a_model_lacks_its_migration() -> None:
    out = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert out.getvalue() == "No changes detected\n"


def test_every_migration_has_a_name_of_its_own_choosing() -> None:
    automatic = re.compile(r"\d{4}_(auto_|alter_|\w+_and_more$)")
    assert [path.stem for path in MIGRATIONS if automatic.match(path.stem)] == []


def test_no_two_migrations_have_the_same_number() -> None:
    numbers = Counter(path.name[:4] for path in MIGRATIONS)
    assert [number for number, count in numbers.items() if count > 1] == []
