"""`make demo`, as its user meets it: starts, answers, shows both workers' tasks, goes away."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.processes import Process, StartProcess
from tests.waiting import wait_until

WORKERS = {"celery@web-1", "celery@batch-1"}
# Six processes start at once, on a machine that may be small and busy.
PATIENCE = 120


class Demo:
    """A demo on a data folder of its own, whose name tells its processes from all others."""

    def __init__(self, start: StartProcess, data: Path) -> None:
        self.data, self._start = data, start

    def start(self, **variables: str) -> Process:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("DEMO_")}
        own = {"DEMO_DATA_DIR": str(self.data), "DEMO_PORT": "0", "DEMO_HISTORY_DAYS": "0"}
        return self._start("-m", "example_project.demo", env={**clean, **own, **variables})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "demo.sqlite3", timeout=20)) as database:
            return database.execute(sql).fetchall()

    def workers_that_succeeded(self, since: datetime) -> set[str]:
        rows = self.query(
            "SELECT worker FROM django_celery_monitor_task WHERE state = 'SUCCESS' "
            f"AND time > '{since:%Y-%m-%d %H:%M:%S}'"
        )
        return {worker for (worker,) in rows}

    def processes(self) -> dict[int, str]:
        """Process id to command line of everything that runs for this folder."""
        mine = f"DEMO_DATA_DIR={self.data}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                # Empty for a process that has ended.
                if mine in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
        return found

    def leftovers(self) -> set[str]:
        """What lies in the folder beside the database, the logs and beat's memory."""
        names = {path.name for path in self.data.iterdir()}
        return {name for name in names if not name.startswith(("demo.sqlite3", "beat-", "logs"))}


@pytest.fixture
def demo(start_process: StartProcess, tmp_path: Path) -> Iterator[Demo]:
    made = Demo(start_process, tmp_path / "data")
    yield made
    for pid in made.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=["embedded", "given"])
def broker(request: pytest.FixtureRequest) -> dict[str, str]:
    """One inside the demo, and a real Redis; the demo's own server runs where it starts twice."""
    if request.param == "given":
        url: str = request.getfixturevalue("redis_url")
        return {"DEMO_BROKER_URL": url, "DEMO_RESULT_BACKEND_URL": url}
    return {"DEMO_EMBEDDED_BROKER": "1"}


def sign_in_link(process: Process) -> str:
    """From the demo's one screen, once it is there."""

    def links() -> list[str]:
        assert process.child.poll() is None, process.output()
        return re.findall(r"http://127\.0\.0\.1:\d+/sign-in/\S+", process.output())

    return wait_until(links, PATIENCE)[0]


def test_demo_shows_tasks_of_both_workers_and_leaves_nothing(
    demo: Demo, broker: dict[str, str]
) -> None:
    process = demo.start(**broker)
    shows_tasks_of_both_workers(demo, sign_in_link(process))
    process.signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0, process.output()
    assert demo.processes() == {}
    assert demo.leftovers() == set()


def shows_tasks_of_both_workers(demo: Demo, link: str) -> None:
    # Older ones are made-up history.
    begun = datetime.now(UTC)
    with httpx.Client(follow_redirects=True) as browser:
        overview = browser.get(link)
        assert overview.url.path == "/monitor/"
        wait_until(lambda: demo.workers_that_succeeded(begun) >= WORKERS, PATIENCE, interval=0.5)
        workers = browser.get(overview.url.join("/monitor/workers/")).text
        tasks = browser.get(overview.url.join("/monitor/api/v1/tasks")).json()["items"]
    assert all(worker in workers for worker in WORKERS)
    assert {task["worker"] for task in tasks} & WORKERS


def test_a_second_start_stores_no_history_again_and_its_link_works_once(demo: Demo) -> None:
    first = demo.start(DEMO_HISTORY_DAYS="0.02")
    shows_tasks_of_both_workers(demo, sign_in_link(first))
    first.signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0, first.output()
    assert demo.processes() == {}
    assert demo.leftovers() == set()
    stamps = demo.query("SELECT until, days, finished FROM demo_backfill")

    second = demo.start(DEMO_HISTORY_DAYS="0.02")
    link = sign_in_link(second)
    refused = demo.start()
    assert refused.wait(PATIENCE) == 1
    assert "A demo runs already" in refused.output()

    assert "stored" in first.output()
    assert "stored" not in second.output()
    assert demo.query("SELECT until, days, finished FROM demo_backfill") == stamps
    assert httpx.get(link).headers["location"] == "/monitor/"
    assert httpx.get(link).headers["location"] == "/admin/login/"
    # Killed, it cannot clean up; its processes must go all the same.
    second.signal(signal.SIGKILL)
    wait_until(lambda: not demo.processes(), PATIENCE)


def test_demo_refuses_to_be_reached_from_elsewhere(demo: Demo) -> None:
    process = demo.start(DEMO_HOST="0.0.0.0")
    assert process.wait(PATIENCE) == 1
    assert "only on a loopback address" in process.output()


def test_demo_says_which_server_is_missing_and_leaves_nothing(demo: Demo) -> None:
    process = demo.start(DEMO_BROKER_URL="redis://127.0.0.1:1/0")
    assert process.wait(PATIENCE) == 1
    assert "The broker redis://" in process.output()
    assert "does not answer" in process.output()
    assert demo.processes() == {}
    assert demo.leftovers() == set()


def test_a_process_that_ends_at_the_start_is_named_with_the_end_of_its_log(
    demo: Demo, tmp_path: Path
) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho out of memory\nexit 3\n")
    broken.chmod(0o755)
    process = demo.start(PATH=f"{broken.parent}:{os.environ['PATH']}")
    assert process.wait(PATIENCE) == 1
    log = demo.data / "logs" / "redis.log"
    assert f"redis ended with code 3. The end of {log}:\n    out of memory" in process.output()
    assert demo.processes() == {}


def test_the_history_of_one_moment_is_always_the_same(start_process: StartProcess) -> None:
    told = "\n".join(
        (
            "import hashlib",
            "from example_project.demo.history.week import Week",
            "bodies = [body for _, batch in Week(1_795_000_000, 0.5).batches() for body in batch]",
            "print(len(bodies), hashlib.sha256(b''.join(bodies)).hexdigest())",
        )
    )
    runs = [start_process("-c", told, env={**os.environ, "PYTHONHASHSEED": seed}) for seed in "12"]
    assert [run.wait(PATIENCE) for run in runs] == [0, 0], runs[0].output()
    first, second = (run.output() for run in runs)
    assert first == second
    assert int(first.split()[0]) > 1000
