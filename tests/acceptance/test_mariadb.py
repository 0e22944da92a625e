"""The real command on MariaDB, while the server hangs up on it again and again."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connections

from django_celery_monitor.models import Task
from tests.acceptance.test_every_task_is_stored import Collecting
from tests.fixtures.processes import StartProcess, project_env
from tests.fixtures.workers import CeleryWorker
from tests.waiting import wait_until


def hang_up() -> None:
    """End every connection to the test's database but our own."""
    with connections["mariadb"].cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE db = DATABASE() AND id <> connection_id()"
        )
        for found in cursor.fetchall():
            try:
                cursor.execute("KILL CONNECTION %s", found)
            except OperationalError:
                continue  # it ended by itself


@pytest.mark.django_db(transaction=True, databases=["default", "mariadb"])
def test_no_task_is_missing_though_connections_are_lost(
    rabbitmq_url: str, redis_url: str, start_process: StartProcess, celery_worker: CeleryWorker
) -> None:
    env = project_env(rabbitmq_url, redis_url, database="mariadb")
    collecting = Collecting(start_process, env, "mariadb")
    process = collecting.begin()
    worker = celery_worker(rabbitmq_url, concurrency=2)
    tasks = Task.objects.using("mariadb")

    results = []
    for number in range(20):
        results += [worker.send("echo", f"größe 🧦 {number}", each) for each in range(10)]
        results.append(worker.send("fail", f"{number}"))
        hang_up()
    ids = {result.id for result in results}
    ended = tasks.filter(state__in=["SUCCESS", "FAILURE"])
    wait_until(lambda: ended.count() == len(ids), timeout=60)

    assert set(tasks.values_list("id", flat=True)) == ids
    assert tasks.filter(state="FAILURE").count() == 20
    assert not tasks.filter(started_at=None).exists()
    assert process.child.poll() is None, process.output()
