"""Every test here runs on every database; what it stores goes where a project's router says."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model
from pytest_django import Settings

from tests.fixtures.brokers import variable


class OursElsewhere:
    """A project's router that gives our models a database of their own."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def db_for_read(self, model: type[Model], **_hints: Any) -> str | None:
        return self._alias if model._meta.app_label == "django_celery_monitor" else None

    db_for_write = db_for_read


@pytest.fixture(params=["default", "postgresql", "mariadb"])
def alias(request: pytest.FixtureRequest, settings: Settings) -> str:
    """SQLite, PostgreSQL, MariaDB; all are migrated by Django's test runner."""
    name: str = request.param
    if name != "default":
        variable(f"TEST_{name.upper()}_URL")
    settings.DATABASE_ROUTERS = [OursElsewhere(name)]
    return name
