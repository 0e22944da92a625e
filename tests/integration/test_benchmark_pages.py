"""The benchmark of pages fills in what collectors would have stored, and its pages exist."""

from __future__ import annotations

import pytest
from django.db.models import Sum
from django.db.models.functions import TruncMinute

from benchmarks import pages_asked
from benchmarks.pages_fill import Fill, around, insert
from django_celery_monitor.models import Task, TaskCount, TaskError, TaskStats
from django_celery_monitor.state.errors import error_key
from django_celery_monitor.storage.errors import _COLUMNS as ERROR_COLUMNS
from django_celery_monitor.storage.rows import COLUMNS, events_of, facts_of, task_row

pytestmark = pytest.mark.django_db
TASKS = 3_000


@pytest.fixture
def filled() -> None:
    filling = Fill(TASKS)
    for rows in filling.rows():
        insert(Task, COLUMNS, rows)
        insert(TaskError, ERROR_COLUMNS, filling.errors())
    for model, columns, counted in filling.counts():
        insert(model, columns, counted)
    around(filling.now)


def test_rows_are_what_their_events_say(filled: None) -> None:
    assert Task.objects.count() == TASKS
    for task in Task.objects.order_by("time")[:TASKS:7]:
        row = dict(zip(COLUMNS, task_row(task.id, facts_of(task), task.events), strict=True))
        family = {"root_id": task.root_id, "parent_id": task.parent_id}
        stored = {column: getattr(task, column) for column in COLUMNS}
        assert row | family == stored


def test_errors_belong_to_events(filled: None) -> None:
    failed = Task.objects.filter(state="FAILURE")
    assert failed.count() == TaskError.objects.filter(retry=False).count()
    for task in failed[:20]:
        keys = {error_key(event) for event in events_of(task) if event.type == "failed"}
        assert keys == set(TaskError.objects.filter(task_id=task.id).values_list("key", flat=True))


def test_counts_are_those_of_the_rows(filled: None) -> None:
    of_rows = Task.objects.annotate(minute=TruncMinute("time")).order_by()
    counted = of_rows.values_list("minute", "name", "state").distinct().count()
    assert TaskCount.objects.filter(period="m").count() == counted
    for period in TaskCount.Period.values:
        counts = TaskCount.objects.filter(period=period)
        assert counts.aggregate(sum=Sum("count"))["sum"] == TASKS
    days = TaskStats.objects.filter(period="d", grain="n").aggregate(sum=Sum("succeeded"))
    assert days["sum"] == Task.objects.filter(state="SUCCESS").count()


def test_every_page_that_is_measured_is_there(filled: None) -> None:
    client = pages_asked.reader()
    found = [pages_asked.measure(asked, 1, client) for asked in pages_asked.kinds(50, 100)]
    assert [(each.page, each.status) for each in found if each.status != 200] == []
    assert all(each.queries for each in found)
