"""A database of its own, by the project's router: the collector stores there, pages read there."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from benchmarks.stream import Stream
from django_celery_monitor.models import Task
from tests.contract.conftest import OursElsewhere
from tests.faults.collectors import Collectors
from tests.faults.comparing import assert_equal, wait_until_stored
from tests.faults.publishing import publishing
from tests.faults.sizes import BATCH, sized
from tests.faults.truth import Truth, recent
from tests.fixtures.processes import StartProcess, project_env


@pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])
def test_with_a_router_all_is_stored_and_shown_from_there(
    rabbitmq_url: str,
    redis_url: str,
    start_process: StartProcess,
    settings: Settings,
    admin_client: Client,
) -> None:
    truth = Truth()
    env = project_env(rabbitmq_url, redis_url, database="postgresql")
    collectors = Collectors(start_process, env | {"DJANGO_SETTINGS_MODULE": "tests.faults.routed"})
    collectors.begin(BATCH)
    with publishing(rabbitmq_url) as publisher:
        publisher.send(truth.noting(recent(Stream(events=sized(40_000), failures=0.05))))
    wait_until_stored(truth, "postgresql", collectors.alive)
    assert_equal(truth, "postgresql")
    assert not Task.objects.using("default").exists()

    settings.DATABASE_ROUTERS = [OursElsewhere("postgresql")]
    failed = [pk for pk, told in truth.tasks.items() if told.row["state"] == "FAILURE"]
    for task_id in failed[:3]:
        url = reverse("celery_monitor:tasks") + "?" + urlencode({"q": task_id})
        assert task_id in admin_client.get(url).content.decode()
        page = admin_client.get(reverse("celery_monitor:task", args=[task_id]))
        assert truth.tasks[task_id].row["name"] in page.content.decode()
    for name in ("overview", "workers"):
        assert admin_client.get(reverse(f"celery_monitor:{name}")).status_code == 200
