"""Real workers on one broker, started side by side and shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import ChannelError
from celery import Celery
from celery.result import AsyncResult
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.control.acts.base import Outcome
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.perform import perform
from django_celery_monitor.control.way import Way
from django_celery_monitor.models import ControlAction, TaskTotals
from tests.fixtures.brokers import a_redis_database, a_virtual_host
from tests.fixtures.processes import Process, project_env, started
from tests.integration.collecting import app_on
from tests.integration.kept import a_worker
from tests.project import tasks
from tests.waiting import wait_until

DONE = Outcome.CONFIRMED
ADD, ECHO, SLOW = tasks.add.name, tasks.echo.name, tasks.slow.name
LIMITED = tasks.limited.name


def host(name: str) -> str:
    return f"{name}@stage"


def queue(name: str) -> str:
    """That the worker of this name reads."""
    return f"q-{name}"


@dataclass(frozen=True)
class Stage:
    """Workers of one broker, by name, without events of tasks; results are kept in Redis."""

    broker: str
    app: Celery
    env: dict[str, str]
    folder: Path
    stack: ExitStack
    workers: dict[str, Process] = field(default_factory=dict)

    def start(self, name: str, *options: str, pool: str = "solo") -> Process:
        """Comes up by itself: see ``wait_for``. Of two of one name, the latter is known."""
        options = ("-n", host(name), "-Q", queue(name), "-P", pool, "-l", "INFO", *options)
        log = self.folder / f"{len(list(self.folder.iterdir()))}-{name}.log"
        arguments = ["-m", "celery", "-A", "tests.project.celery", "worker", *options]
        process = started(arguments, log, self.env)
        self.stack.callback(process.kill)
        self.workers[name] = process
        return process

    def wait_for(self, *names: str) -> None:
        hosts = [host(name) for name in names]

        def there() -> bool:
            pings = self.app.control.ping(hosts, timeout=0.5, limit=len(hosts)) or []
            return {each for ping in pings for each in ping} == set(hosts)

        wait_until(there, timeout=60)

    def inspect(self, question: str, name: str = "prefork") -> Any:
        """What the worker says of itself, asked by Celery alone."""
        inspect = self.app.control.inspect([host(name)], timeout=10, limit=1)
        return getattr(inspect, question)()[host(name)]

    def pids(self, name: str = "prefork") -> set[int]:
        """Of the pool's processes, once none of them is about to be replaced."""

        def alive() -> set[int]:
            found = set(self.inspect("stats", name)["pool"]["processes"])
            return found if all(Path(f"/proc/{each}").exists() for each in found) else set()

        return wait_until(alive, timeout=30)

    def queues(self, name: str = "prefork") -> set[str]:
        return {each["name"] for each in self.inspect("active_queues", name)}

    def length(self, of: str) -> int:
        """How many messages wait in a queue."""
        with self.app.connection_for_write() as connection:
            channel: Any = connection.default_channel
            try:
                return int(channel.queue_declare(of, passive=True).message_count)
            # An empty queue is none, on Redis.
            except ChannelError:
                return 0

    def do(self, act: str, *names: str, **given: Any) -> ControlAction:
        """For a program, told to the workers of these names."""
        if names:
            given["workers"] = [host(name) for name in names]
        assert act in ACTS
        return perform(None, act, given, app=self.app, name="test")

    def send(self, task: str, *args: Any, to: str = "prefork", **options: Any) -> AsyncResult[Any]:
        options.setdefault("queue", queue(to))
        return self.app.send_task(task, args, **options)


@contextmanager
def staged(
    broker: str, redis_databases: Iterator[str], folder: Path, **env: str
) -> Iterator[Stage]:
    with ExitStack() as stack:
        results = stack.enter_context(a_redis_database(redis_databases))
        url = results if broker == "redis" else stack.enter_context(a_virtual_host())
        env = project_env(url, results) | {"TEST_POOL_RESTARTS": "", "TEST_NO_EVENTS": ""} | env
        yield Stage(broker, app_on(url, result_backend=results), env, folder, stack)


def known(stage: Stage) -> None:
    """What a collector would have written of the stage; it stays true on a slow machine."""
    later = timezone.now() + timedelta(minutes=10)
    for name in stage.workers:
        a_worker(host(name), arrived_at=later)
    for name in (ADD, ECHO, SLOW, LIMITED):
        TaskTotals.objects.create(grain=TaskTotals.Grain.NAME, name=name)


def unhurried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who is awaited counts as silent because the machine is busy."""
    # What a worker that shuts down takes, for nobody answers then.
    monkeypatch.setattr(Way.__init__, "__defaults__", (3.0, None))
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "CONTROL_TIMEOUT": 30.0}
