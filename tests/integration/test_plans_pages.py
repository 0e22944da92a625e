"""No page reads more of the history than it shows: PostgreSQL's own plans of all its statements."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, models, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from benchmarks.pages_fill import Fill, around, insert
from benchmarks.pages_lives import NAMES, QUEUES, WORKERS
from django_celery_monitor.models import Task, TaskError, TaskStats
from django_celery_monitor.reading import burning, failures, family, growth, queues, siblings
from django_celery_monitor.storage.errors import _COLUMNS as ERROR_COLUMNS
from django_celery_monitor.storage.rows import COLUMNS
from tests.integration.made import root_client
from tests.integration.test_plans import explained, nodes

pytestmark = pytest.mark.django_db(databases=["default", "postgresql"])

TASKS = 20_000
RELATIVES = 2_000
# Each error this often: a table of a few pages is read whole, whatever there is an index for.
ERRORS = 40
# What pages look at of what is open, of failures, of a search; in life it is more.
LOOKED_AT = 400
# Rows that a step of a plan may read: as much as is looked at, and the page itself; of the counts,
# ninety days of each type.
FEW = family.MOST + 60
BOUNDS = {
    Task._meta.db_table: FEW,
    TaskError._meta.db_table: FEW,
    TaskStats._meta.db_table: 4_000,
}
PAUSED = NAMES[0]
OURS = Task._meta.app_label


class OnPostgreSQL:
    """All of ours is in the other database, as a project may choose."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return "postgresql" if model._meta.app_label == OURS else None

    db_for_write = db_for_read


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Three months of a shop; each test only reads."""
    routed = override_settings(DATABASE_ROUTERS=[OnPostgreSQL()])
    with django_db_blocker.unblock(), routed, transaction.atomic("postgresql"):
        filling = Fill(TASKS)
        for rows in filling.rows():
            insert(Task, COLUMNS, rows, "postgresql")
            insert(TaskError, ERROR_COLUMNS, _often(filling.errors()), "postgresql")
        for model, columns, counted in filling.counts():
            insert(model, columns, counted, "postgresql")
        around(filling.now)
        a_big_family()
        a_pause()
        with connections["postgresql"].cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True, "postgresql")


def _often(errors: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for task_id, key, *others in errors:
        for number in range(ERRORS):
            yield (task_id, f"{number}{key}"[:40], *others)


def a_big_family() -> None:
    """A tenth of all tasks, in the midst of them, called by one and of one group."""
    rows = Task.objects.order_by("time").values_list("pk", flat=True)[TASKS // 2 :][:RELATIVES]
    root, *others = rows
    own = {"root_id": root, "parent_id": root, "group_id": "g"}
    Task.objects.filter(pk__in=others).update(**own)


def a_pause() -> None:
    """A type that is as frequent as others, but ran only once since the middle of the time."""
    of_type = Task.objects.filter(name=PAUSED).order_by("time")
    middle = Task.objects.order_by("time")[TASKS // 2].time
    since = of_type.filter(time__gt=middle).values_list("pk", flat=True)
    Task.objects.filter(pk__in=list(since)[:-1]).update(name="shop.resumed")


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.CELERY_MONITOR = settings.CELERY_MONITOR | {"SEARCH_WINDOW": LOOKED_AT}
    for module in (burning, growth, queues):
        monkeypatch.setattr(module, "LOOKED_AT", LOOKED_AT)
    monkeypatch.setattr(failures, "MOST", LOOKED_AT)


def address(name: str, *args: str) -> str:
    return reverse(f"celery_monitor:{name}", args=args)


def member() -> Task:
    return Task.objects.filter(group_id="g").latest("time")


PAGES: dict[str, Callable[[], str]] = {
    "overview": lambda: address("overview"),
    "overview of 90 days": lambda: address("overview") + "?range=90d",
    "tasks": lambda: address("tasks"),
    "tasks, filtered": lambda: address("tasks") + f"?state=failed&after=24h&queue={QUEUES[0]}",
    "types": lambda: address("types"),
    "types of 30 days": lambda: address("types") + "?range=30d",
    "type": lambda: address("type", NAMES[1]),
    "failures": lambda: address("failures"),
    "failures of one type": lambda: address("failures") + f"?name={NAMES[1]}",
    "queues": lambda: address("queues"),
    "queue": lambda: address("queue", QUEUES[0]),
    "workers": lambda: address("workers"),
    "worker": lambda: address("worker", WORKERS[3]),
    "task": lambda: address("task", Task.objects.filter(state="FAILURE").latest("time").pk),
    "task with a big family": lambda: address("task", member().root_id),
    "member of a big family": lambda: address("task", member().pk),
    "series of 7 days": lambda: address("series") + "?range=7d&group=name",
}


def asked(url: str) -> list[str]:
    """What the page reads; a cursor's statement is that which it is declared for."""
    client = root_client()
    with CaptureQueriesContext(connections["postgresql"]) as captured:
        assert client.get(url).status_code == 200
    statements = [each["sql"] for each in captured.captured_queries]
    found = [re.sub(r"^DECLARE .*? CURSOR (WITH HOLD )?FOR ", "", each) for each in statements]
    return [each for each in found if re.match(r"\(?(SELECT|WITH)\b", each)]


def read(statement: str) -> Iterator[tuple[str, str, int]]:
    """How a statement reads the tables that grow, and how many of their rows."""
    [(found,)] = explained("postgresql", statement)
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    for node in nodes(plan):
        if node.get("Relation Name") in BOUNDS:
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            yield node["Relation Name"], node["Node Type"], int(rows * node["Actual Loops"])


@pytest.mark.parametrize("page", PAGES)
def test_every_step_of_a_page_reads_a_bounded_part_of_history(
    filled: None, limited: None, page: str
) -> None:
    statements = asked(PAGES[page]())
    assert statements
    for statement in statements:
        for table, kind, rows in read(statement):
            assert kind != "Seq Scan", statement
            assert rows <= BOUNDS[table], (rows, statement)


def test_the_first_run_for_long_does_not_walk_through_all_that_ran_since(
    filled: None, limited: None
) -> None:
    """Left to itself PostgreSQL went by time, past all other tasks, for the runs before it."""
    found = asked(address("task", Task.objects.filter(name=PAUSED).latest("time").pk))
    assert sum(rows for each in found for _table, _kind, rows in read(each)) <= 4 * siblings.SHOWN
