"""Flower shows beside the recorder what it shows without."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from pytest_django import Settings

from benchmarks.subjects.flower import flower_python
from django_celery_monitor.recorder import receivers
from tests.fixtures.processes import StartProcess
from tests.fixtures.workers import CeleryWorker
from tests.listening import listening
from tests.servers.ports import free_ports
from tests.waiting import wait_until

EXECUTE = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


class Flower:
    """The real one, started by its own command."""

    def __init__(self, start: StartProcess, folder: Path, broker_url: str) -> None:
        [self.port] = free_ports(1)
        python = flower_python(folder / "flower")
        celery = ["-m", "celery", "-A", "benchmarks.app", "flower", "--address=127.0.0.1"]
        env = os.environ | {"TEST_BROKER_URL": broker_url, "FLOWER_UNAUTHENTICATED_API": "true"}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        start("-c", EXECUTE, python, *celery, f"--port={self.port}", env=env)

    def get(self, path: str) -> str:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=20) as answer:
                text: str = answer.read().decode()
                return text
        except (URLError, ConnectionError):
            return ""


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
@pytest.mark.timeout(600)
def test_flower_sees_no_state_no_worker_and_no_event_more(
    broker: str,
    request: pytest.FixtureRequest,
    start_process: StartProcess,
    celery_worker: CeleryWorker,
    tmp_path_factory: pytest.TempPathFactory,
    settings: Settings,
) -> None:
    settings.CELERY_MONITOR = {"RECORD": True}
    broker_url = request.getfixturevalue(f"{broker}_url")
    flower = Flower(start_process, tmp_path_factory.getbasetemp(), broker_url)
    worker = celery_worker(broker_url, env={"TEST_RECORD": "1"})
    wait_until(lambda: worker.hostname in flower.get("metrics"), timeout=40)

    with listening(worker.app) as listener:
        added = [worker.send("add", number, 1).id for number in range(30)]
        failed = worker.send("fail").id
        retried = worker.send("retry_then_succeed", 2).id
        expected = dict.fromkeys([*added, retried], "SUCCESS") | {failed: "FAILURE"}
        receivers.flush()
        # What is there to be seen was sent: one for each task, two for the retries.
        wait_until(lambda: _recorded(listener.events(0)) == 34, timeout=40)

    def shown() -> dict[str, str]:
        return {id_: task["state"] for id_, task in json.loads(flower.get("api/tasks")).items()}

    wait_until(lambda: shown() == expected, timeout=40)
    metrics = flower.get("metrics")
    assert "monitor" not in " ".join(re.findall(r'type="([^"]+)"', metrics))
    assert set(re.findall(r'worker="([^"]+)"', metrics)) == {worker.hostname}
    tasks = json.loads(flower.get("api/tasks")).values()
    assert {task["worker"] for task in tasks} == {worker.hostname}


def _recorded(events: list[dict[str, object]]) -> int:
    return sum(event["type"] == "monitor-published" for event in events)
