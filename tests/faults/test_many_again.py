"""Thousands of tasks run again as one operation, on a real worker, while a collector stores."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from celery import Celery
from django.contrib.auth.models import User
from pytest_django import Settings

from django_celery_monitor.control.operations import Chosen, begin, parsed
from django_celery_monitor.models import ControlAction, OperationItem, Rerun, Task
from django_celery_monitor.recorder import receivers
from tests.contract.conftest import OursElsewhere
from tests.faults import comparing
from tests.faults.conftest import CollectorsOn
from tests.faults.sizes import FULL, PATIENCE
from tests.fixtures.workers import CeleryWorker
from tests.integration.acting import stopped_and_resumed
from tests.project import tasks
from tests.project.journal import VARIABLE
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])

MANY = 10_000 if FULL else 300


def publish(app: Celery, number: int) -> set[str]:
    fail = app.tasks[tasks.fail.name]
    published = {fail.apply_async((f"order {n}",)).id for n in range(number)}
    receivers.flush()
    return published


def failed() -> int:
    return Task.objects.filter(state="FAILURE").count()


def runs(journal: Path) -> Counter[str]:
    lines = journal.read_text().splitlines() if journal.exists() else []
    return Counter(json.loads(line)["id"] for line in lines)


def test_ten_thousand_are_run_again_and_none_twice(
    broker_url: str,
    collectors_on: CollectorsOn,
    celery_worker: CeleryWorker,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.DATABASE_ROUTERS = [OursElsewhere("postgresql")]
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "RECORD": True}
    user = User.objects.db_manager("postgresql").create_superuser("root")
    journal = tmp_path / "journal"
    collectors_on(broker_url, "postgresql").begin()
    worker = celery_worker(broker_url, concurrency=2, env={VARIABLE: str(journal)})

    first = publish(worker.app, MANY)
    wait_until(lambda: failed() == MANY, timeout=PATIENCE, interval=0.2)
    chosen = Chosen(expression=parsed("state=failed"))
    operation = begin(user, "retry", chosen, parameters={"confirm": True})
    stopped_and_resumed(operation, user, MANY // 10, timeout=PATIENCE)
    wait_until(lambda: failed() == 2 * MANY, timeout=PATIENCE, interval=0.2)

    items = dict(OperationItem.objects.filter(status="done").values_list("task_id", "new_id"))
    assert items.keys() == first
    assert runs(journal) == Counter([*first, *items.values()])
    assert dict(Rerun.objects.filter(status="sent").values_list("origin_id", "task_id")) == items
    assert ControlAction.objects.get().outcome == "confirmed"
    comparing.compared.append((2 * MANY, 2 * MANY))
