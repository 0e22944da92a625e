"""`manage.py celerymonitor`, as a process of its own where signals and crashes matter."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.core.management import CommandError, call_command
from django.db import connections
from kombu import Consumer, Queue

from django_celery_monitor.ingest import admission
from django_celery_monitor.ingest.queues import event_queue
from django_celery_monitor.models import CollectorRun, Task
from django_celery_monitor.upkeep.collector_run import installation_id
from tests.fixtures.processes import Process, StartProcess, project_env
from tests.integration.collecting import app_on, lives, publish
from tests.servers.ports import free_ports
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

APP = f"{__name__}:celery_app"
celery_app: Celery


def use(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    """Makes APP name this app."""
    monkeypatch.setattr(sys.modules[__name__], "celery_app", app, raising=False)


def check(*arguments: str) -> str:
    output = StringIO()
    call_command("celerymonitor", "--check", *arguments, stdout=output)
    return output.getvalue()


def test_check_says_that_all_is_ready(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, app_on(broker_url))
    assert check("--app", APP) == "App, database and broker are ready.\n"


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_check_says_that_no_broker_answers(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [port] = free_ports(1)
    use(monkeypatch, app_on(f"{scheme}://bob:hunter2@127.0.0.1:{port}"))
    with pytest.raises(
        CommandError, match=f"Broker {scheme}://bob:.*@127.0.0.1:{port}.*"
    ) as raised:
        check("--app", APP)
    assert "refused" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_check_says_that_there_is_no_such_app() -> None:
    with pytest.raises(CommandError, match=r"No Celery app at 'shop\.nowhere'"):
        check("--app", "shop.nowhere")


def test_check_says_that_a_transport_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, app_on("memory://", broker_transport="nowhere.at.all:Transport"))
    with pytest.raises(CommandError, match="cannot be loaded: No module named 'nowhere'"):
        check("--app", APP)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--batch-size", "0", "whole number greater than 0"),
        ("--batch-size", "-5", "whole number greater than 0"),
        ("--batch-size", "0.5", "whole number greater than 0"),
        ("--batch-size", "many", "whole number greater than 0"),
        ("--flush-interval", "0", "number of seconds"),
        ("--flush-interval", "nan", "number of seconds"),
        ("--flush-interval", "inf", "number of seconds"),
        ("--flush-interval", "60", "at most 5"),
        ("--flush-interval", "soon", "number of seconds"),
        ("--verbosity", "9", "invalid choice"),
        ("--nonsense", "1", "unrecognized arguments"),
    ],
)
def test_bad_values_of_options_are_refused(option: str, value: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("celerymonitor", option, value)


Collector = Process


@pytest.fixture
def start(start_process: StartProcess) -> Any:
    def start(broker: str, *arguments: str, **env: str) -> Collector:
        command = ["-m", "django", "celerymonitor", "--flush-interval", "0.05", *arguments]
        return start_process(*command, env=project_env(broker, "cache+memory://") | env)

    return start


def listening(process: Collector) -> bool:
    assert process.child.poll() is None, process.output()
    return "Listening to" in process.output()


def stored() -> int:
    return Task.objects.filter(state="SUCCESS").count()


def test_check_says_what_is_wrong_with_the_database(start: Any, tmp_path: Path) -> None:
    [port] = free_ports(1)
    empty = start("memory://", "--check", TEST_DATABASE_URL=f"sqlite://{tmp_path}/empty.sqlite3")
    away = start("memory://", "--check", TEST_DATABASE_URL=f"postgresql://x@127.0.0.1:{port}/x")
    assert empty.wait() == 1
    assert "Database default lacks migrations: run manage.py migrate." in empty.output()
    assert away.wait() == 1
    assert "Database default: " in away.output()
    assert "refused" in away.output()
    assert "Traceback" not in away.output() + empty.output()


def test_the_first_sigterm_stores_what_is_held_and_exits_cleanly(
    start: Any, redis_url: str
) -> None:
    collector = start(redis_url, "--flush-interval", "1")
    wait_until(lambda: listening(collector), timeout=30)
    publish(app_on(redis_url), *lives([f"t{n}" for n in range(100)]))
    collector.signal(signal.SIGTERM)
    assert collector.wait() == 0, collector.output()
    assert stored() == 100
    run = CollectorRun.objects.get()
    assert (run.events, run.ended_at is None) == (400, False)
    assert "Traceback" not in collector.output()


@pytest.fixture
def writer() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(connections["default"].settings_dict["NAME"])) as link:
        link.isolation_level = None
        yield link


def test_the_second_signal_kills(start: Any, redis_url: str, writer: sqlite3.Connection) -> None:
    installation_id("default")
    collector = start(redis_url)
    wait_until(lambda: listening(collector) and CollectorRun.objects.exists(), timeout=30)
    writer.execute("BEGIN IMMEDIATE")
    publish(app_on(redis_url), *lives(["t1"]))
    collector.signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        collector.wait(timeout=0.7)
    collector.signal(signal.SIGINT)
    # While SQLite waits for a lock, both signals wait, and the one with the lower number is first.
    assert collector.wait(8) in (-signal.SIGINT, -signal.SIGTERM)


def test_a_collector_that_is_killed_midway_loses_nothing_on_rabbitmq(
    start: Any, rabbitmq_url: str
) -> None:
    app = app_on(rabbitmq_url)
    first = start(rabbitmq_url, "--batch-size", "10")
    wait_until(lambda: listening(first), timeout=30)
    # It would keep up with the publisher, and have stored everything.
    first.signal(signal.SIGSTOP)
    publish(app, *lives([f"a{n}" for n in range(300)]))
    first.signal(signal.SIGCONT)
    wait_until(stored)
    first.kill()
    midway = stored()
    publish(app, *lives([f"b{n}" for n in range(50)]))
    second = start(rabbitmq_url)
    wait_until(lambda: stored() == 350, timeout=30)
    assert midway < 300
    second.signal(signal.SIGINT)
    assert second.wait() == 0, second.output()
    assert _waiting(app) == 0


def test_of_two_collectors_one_may_be_killed(start: Any, broker_url: str) -> None:
    app = app_on(broker_url)
    pair = [start(broker_url, "--batch-size", "10") for _turn in range(2)]
    wait_until(lambda: all(listening(each) for each in pair), timeout=40)
    publish(app, *lives([f"a{n}" for n in range(150)]))
    wait_until(lambda: stored() and CollectorRun.objects.count() == 2)
    pair[0].kill()
    publish(app, *lives([f"b{n}" for n in range(50)]))
    wait_until(lambda: stored() == 200, timeout=30)
    pair[1].signal(signal.SIGTERM)
    assert pair[1].wait() == 0, pair[1].output()
    assert set(CollectorRun.objects.values_list("ended_by", flat=True)) == {"", "stopped"}


def test_a_queue_that_another_database_consumes_ends_it_with_a_clear_error(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_on(rabbitmq_url)
    use(monkeypatch, app)
    monkeypatch.setattr(admission, "_ROWS_WITHIN", 0.2)
    with app.connection_for_read() as link:
        link.connect()
        source = event_queue(app, link, installation_id("default"))
        with (
            Consumer(link.default_channel, queues=[source], on_message=print),
            pytest.raises(CommandError, match=r"no collector of this database.*--force"),
        ):
            call_command("celerymonitor", "--app", APP)
    assert not CollectorRun.objects.exists()


def _waiting(app: Celery) -> int:
    """Messages that were not acknowledged, once nobody listens."""
    with app.connection_for_read() as link:
        queue = Queue(f"celeryev.monitor.{installation_id('default')}")
        declared: Any = queue.queue_declare(channel=link.default_channel, passive=True)
        return int(declared.message_count)


def test_a_queue_with_other_arguments_ends_it_with_a_clear_error(
    start: Any, rabbitmq_url: str
) -> None:
    name = f"celeryev.monitor.{installation_id('default')}"
    with app_on(rabbitmq_url).connection_for_read() as link:
        Queue(name, durable=True).queue_declare(channel=link.default_channel)
    collector = start(rabbitmq_url)
    assert collector.wait() == 1
    assert f"CommandError: The queue '{name}' exists with other arguments" in collector.output()
    assert "Traceback" not in collector.output()
