"""No list reads more of the history than it shows: what databases themselves say of their plans."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from benchmarks.pages_fill import Fill, insert
from benchmarks.pages_lives import NAMES, QUEUES, WORKERS
from django_celery_monitor.filters import from_params
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.paging import page
from django_celery_monitor.storage.rows import COLUMNS
from django_celery_monitor.views.rows import NEVER

pytestmark = pytest.mark.django_db(databases=["default", "postgresql"])

TABLE = Task._meta.db_table
TASKS = 20_000
SIZE = 50
GONE = "celery@gone"
WINDOW = 500
# Rows that a database may touch for a page, for each value that is asked for.
BOUND = 4 * SIZE

EACH_INDEX = [
    "",
    "state=FAILURE",
    "state=succeeded",
    "state=lost",
    f"name={NAMES[0]}",
    f"name={NAMES[-1]}",
    "name=shop.nothing",
    f"worker={WORKERS[0]}",
    f"worker={GONE}",
    f"queue={QUEUES[0]}",
    "after=20d",
    "after=40d&before=39d",
    "state=FAILURE&after=20d",
]
SEVERAL = [
    "state=failed",
    "state=waiting",
    "state=revoked",
    "state=failed&state=lost",
    "state=succeeded&state=failed",
    f"name={NAMES[0]}&name={NAMES[-1]}",
    f"worker={WORKERS[0]}&worker={WORKERS[1]}",
    f"queue={QUEUES[0]}&queue={QUEUES[1]}",
]
SEARCHED = [
    "q=nobody wrote this",
    "q=nobody wrote this&state=failed",
    "runtime=>1d",
    "name=shop.*&q=nobody wrote this",
    "name=nothing.*",
    f"name={NAMES[0]}&worker=celery@nowhere",
    f"worker={GONE}&queue=nowhere",
    "state=failed&worker=celery@nowhere",
    "state=succeeded&name=shop.nothing",
    "-state=succeeded&q=nobody wrote this",
]
FAMILIES = ["root", "parent", "id", "group"]


def fill(using: str) -> None:
    filling = Fill(TASKS)
    for rows in filling.rows():
        insert(Task, COLUMNS, rows, using)
    # A worker that went away: PostgreSQL takes its tasks to be as frequent among the latest.
    tasks = Task.objects.using(using)
    middle = tasks.order_by("time")[TASKS // 2].time
    tasks.filter(worker=WORKERS[7], time__lt=middle).update(worker=GONE)
    with connections[using].cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Once for all tests here; each of them only reads."""
    with django_db_blocker.unblock(), transaction.atomic("default"):
        with transaction.atomic("postgresql"):
            for using in ("default", "postgresql"):
                fill(using)
            yield
            transaction.set_rollback(True, "postgresql")
        transaction.set_rollback(True, "default")


def queries(using: str, query: str, older: bool = False) -> list[str]:
    """The statements that a page of the list takes, newest or in the midst."""
    tasks = Task.objects.using(using).defer(*NEVER)
    expression = from_params(QueryDict(query))
    cursor = ""
    if older:
        first = page(tasks, expression, size=SIZE)
        cursor = page(tasks, expression, first.older or "", SIZE).older or ""
    with CaptureQueriesContext(connections[using]) as captured:
        page(tasks, expression, cursor, SIZE)
    return [each["sql"] for each in captured.captured_queries if TABLE in each["sql"]]


def explained(using: str, statement: str) -> list[Any]:
    words = "EXPLAIN (ANALYZE, FORMAT JSON)" if using == "postgresql" else "EXPLAIN QUERY PLAN"
    with connections[using].cursor() as cursor:
        cursor.execute(f"{words} {statement}".replace("%", "%%"), ())
        return list(cursor.fetchall())


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def rows_read(using: str, statement: str) -> int:
    """Of the tasks, those that PostgreSQL looked at to answer; by indexes, or this fails."""
    [(found,)] = explained(using, statement)
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    read = 0
    for node in nodes(plan):
        assert node["Node Type"] != "Seq Scan" or node["Relation Name"] != TABLE, statement
        if "Scan" in node["Node Type"]:
            dropped = node.get("Rows Removed by Filter", 0)
            read += int((node["Actual Rows"] + dropped) * node["Actual Loops"])
    return read


def values(query: str) -> int:
    return max(query.count("="), 2)


@pytest.mark.parametrize("older", [False, True], ids=["newest", "older"])
@pytest.mark.parametrize("query", EACH_INDEX + SEVERAL)
def test_a_page_reads_little_more_than_it_shows(filled: None, query: str, older: bool) -> None:
    statements = queries("postgresql", query, older)
    assert statements
    assert sum(rows_read("postgresql", each) for each in statements) <= BOUND * values(query)


@pytest.mark.parametrize("older", [False, True], ids=["newest", "older"])
@pytest.mark.parametrize("query", EACH_INDEX + SEVERAL)
def test_sqlite_goes_along_an_index_and_sorts_nothing(
    filled: None, query: str, older: bool
) -> None:
    for statement in queries("default", query, older):
        steps = [row[3] for row in explained("default", statement)]
        assert all(re.search(r"USING (COVERING )?INDEX", each) for each in steps if TABLE in each)
        # Rows of one time are put in order by their ids.
        sorts = [each for each in steps if "B-TREE" in each and "PART OF ORDER BY" not in each]
        assert sorts == [], (statement, steps)


@pytest.mark.parametrize("field", FAMILIES)
def test_a_family_is_found_by_its_index(filled: None, field: str) -> None:
    child = Task.objects.using("postgresql").filter(parent_id__gt="").earliest("time")
    query = f"{field}={child.root_id}"
    assert sum(rows_read("postgresql", each) for each in queries("postgresql", query)) <= BOUND


@pytest.mark.parametrize("query", SEARCHED)
def test_what_no_index_finds_is_looked_for_in_a_window(
    filled: None, query: str, settings: Settings
) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"SEARCH_WINDOW": WINDOW}
    statements = queries("postgresql", query)
    # Once to find out where the window ends, once to look through it.
    assert sum(rows_read("postgresql", each) for each in statements) <= 2 * WINDOW + BOUND


def test_errors_are_found_by_their_tasks_ids() -> None:
    """Of another collation than the ids of tasks no index served: seconds for the API."""
    tables = (Task._meta.db_table, TaskError._meta.db_table)
    with connections["postgresql"].cursor() as cursor:
        cursor.execute(
            "SELECT collation_name FROM information_schema.columns WHERE table_name = ANY(%s)"
            " AND column_name IN ('id', 'task_id') AND data_type = 'character varying'",
            [list(tables)],
        )
        assert cursor.fetchall() == [("C",), ("C",)]
