"""The task page reads no more of a huge family, or of a huge type, than it shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connections, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy, M, User
from django_celery_monitor.models import Task
from django_celery_monitor.reading.family import MOST, family
from django_celery_monitor.reading.siblings import SHOWN, siblings
from tests.integration.test_plans import rows_read

pytestmark = pytest.mark.django_db(databases=["default", "postgresql"])

STRANGERS, RELATIVES = 20_000, 8_000
NAMED = {"name": "shop.part", "state": "SUCCESS", "known_by": "worker"}


class OnPostgreSQL(AccessPolicy):
    """Sees what is in the other database."""

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        return queryset.using("postgresql")


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A family that is a third of all tasks, and lies behind all others."""
    with django_db_blocker.unblock(), transaction.atomic("postgresql"):
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        rows = []
        for number in range(STRANGERS + RELATIVES):
            own = {} if number < STRANGERS else {"root_id": "r", "parent_id": "r", "group_id": "g"}
            time = begin + timedelta(seconds=number)
            rows.append(Task(id=f"t{number}", time=time, updated_at=time, **NAMED, **own))
        rows.append(Task(id="r", time=begin, updated_at=begin, **NAMED))
        Task.objects.using("postgresql").bulk_create(rows, batch_size=2_000)
        with connections["postgresql"].cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True, "postgresql")


@pytest.fixture
def statements(filled: None, settings: Settings) -> Iterator[CaptureQueriesContext]:
    policy = f"{__name__}.{OnPostgreSQL.__name__}"
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"ACCESS_POLICY": policy}
    with CaptureQueriesContext(connections["postgresql"]) as captured:
        yield captured


@pytest.mark.parametrize("task_id", ["r", f"t{STRANGERS + 5}", "t7"])
def test_a_family_is_read_along_its_indexes_up_to_a_limit(
    statements: CaptureQueriesContext, task_id: str
) -> None:
    found = family(AnonymousUser(), Task.objects.using("postgresql").get(pk=task_id))
    assert found.cut == (task_id != "t7")
    for each in list(statements.captured_queries):
        assert rows_read("postgresql", each["sql"]) <= MOST + 1


def test_the_last_runs_of_a_type_are_read_along_its_index(
    statements: CaptureQueriesContext,
) -> None:
    task = Task.objects.using("postgresql").get(pk="t15000")
    found = siblings(AnonymousUser(), task)
    assert (found.older, found.newer) == ("t14999", "t15001")
    for each in list(statements.captured_queries):
        assert rows_read("postgresql", each["sql"]) <= SHOWN + 1
