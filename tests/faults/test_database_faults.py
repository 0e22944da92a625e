"""A database that restarts, stays away, or takes nothing, while events go on."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from benchmarks.stream import Message, Stream
from tests.faults.collectors import Collectors
from tests.faults.comparing import assert_equal, counted, send_in_rounds, wait_until_stored
from tests.faults.conftest import CollectorsOn
from tests.faults.publishing import Publisher, publishing
from tests.faults.servers import Restartable, private_postgresql
from tests.faults.sizes import BATCH, FACTOR, PATIENCE, lasting, sized
from tests.faults.truth import Truth, recent
from tests.fixtures.processes import Process, StartProcess, project_env
from tests.project.settings import database
from tests.waiting import wait_until

ALIAS = "private"
# The collector's own times go with those of the test.
CONSTANTS = {
    "django_celery_monitor.intake._HOLD": 60.0 * FACTOR,
    "django_celery_monitor.intake._MAX_DELAY": 30.0 * FACTOR,
    "django_celery_monitor.ingest.receiver._JITTER": 3.0 * FACTOR,
}
EVENTS_A_SECOND = 500


@pytest.fixture
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Restartable]:
    """PostgreSQL with our tables, as the database ``ALIAS`` of this process."""
    with private_postgresql() as found, django_db_blocker.unblock():
        plain: dict[str, Any] = {"default": {}, ALIAS: database(found.url)}
        connections.settings[ALIAS] = connections.configure_settings(plain)[ALIAS]
        try:
            call_command("migrate", "django_celery_monitor", database=ALIAS, verbosity=0)
            yield found
        finally:
            connections[ALIAS].close()
            del connections[ALIAS], connections.settings[ALIAS]


CollectorsOf = Callable[[str], Collectors]


@pytest.fixture
def collectors_of(server: Restartable, redis_url: str, start_process: StartProcess) -> CollectorsOf:
    """Factory: `collectors_of(broker_url)` stores on ``server``."""

    def of(broker_url: str) -> Collectors:
        env = project_env(broker_url, redis_url) | {"TEST_DATABASE_URL": server.url}
        return Collectors(start_process, env)

    return of


def load(publisher: Publisher, messages: Iterator[Message], seconds: float) -> None:
    """Publish for so long, at an even pace."""
    sent, begun = 0, time.monotonic()
    while (due := sent / EVENTS_A_SECOND) < seconds:
        wait_until(partial(is_past, begun + due), PATIENCE)
        message = next(messages)
        publisher.send([message])
        sent += message.events


def is_past(moment: float) -> bool:
    return time.monotonic() >= moment


def back(server: Restartable) -> None:
    server.start()
    connections[ALIAS].close()


def test_a_database_that_restarts_costs_no_event(
    server: Restartable, broker_url: str, collectors_of: CollectorsOf
) -> None:
    truth, collectors = Truth(), collectors_of(broker_url)
    process = collectors.begin(BATCH, constants=CONSTANTS)
    messages = truth.noting(recent(Stream(events=sized(100_000), failures=0.05, retries=0.05)))
    with publishing(broker_url) as publisher:
        for _ in range(3):
            publisher.send(islice(messages, sized(2_000)))
            server.stop()
            publisher.send(islice(messages, sized(500)))
            back(server)
        send_in_rounds(publisher, messages, truth, ALIAS, collectors.alive)
    assert_equal(truth, ALIAS)
    assert "does not take a batch" in process.output()


@pytest.mark.parametrize("seconds", [60, 360])
def test_a_database_that_stays_away_costs_no_event_on_rabbitmq(
    server: Restartable, rabbitmq_url: str, seconds: int, collectors_of: CollectorsOf
) -> None:
    """The collector gives back what it holds after a minute, and listens again afterwards."""
    collectors = collectors_of(rabbitmq_url)
    process = stay_away(server, rabbitmq_url, lasting(seconds), collectors)
    if seconds > 60:
        assert "Stopped listening: database away" in process.output()


def test_a_database_that_stays_away_for_a_minute_costs_no_event_on_redis(
    server: Restartable, redis_url: str, collectors_of: CollectorsOf
) -> None:
    stay_away(server, redis_url, lasting(60), collectors_of(redis_url))


def stay_away(
    server: Restartable, broker_url: str, seconds: float, collectors: Collectors
) -> Process:
    truth = Truth()
    process = collectors.begin(BATCH, constants=CONSTANTS)
    events = round((seconds + 2) * EVENTS_A_SECOND)
    messages = truth.noting(recent(Stream(events=events, failures=0.05, retries=0.05)))
    with publishing(broker_url) as publisher:
        load(publisher, messages, 1.0)
        server.stop()
        load(publisher, messages, seconds)
        back(server)
        publisher.send(messages)
    wait_until_stored(truth, ALIAS, collectors.alive)
    assert collectors.alive(), process.output()
    assert_equal(truth, ALIAS)
    assert process.output().count("does not take a batch") == 1
    return process


def test_a_database_that_only_reads_is_waited_for(
    server: Restartable, broker_url: str, collectors_of: CollectorsOf
) -> None:
    """As after a failover: PostgreSQL calls it an internal error, not an operational one."""
    truth, collectors = Truth(), collectors_of(broker_url)
    process = collectors.begin(BATCH, constants=CONSTANTS)
    messages = truth.noting(recent(Stream(events=sized(40_000), failures=0.05, retries=0.05)))
    with publishing(broker_url) as publisher:
        publisher.send(islice(messages, sized(1_000)))
        wait_until_stored(truth, ALIAS, collectors.alive)
        read_only("on")
        publisher.send(islice(messages, sized(1_000)))
        wait_until(lambda: "does not take a batch" in process.output() or not collectors.alive())
        before = counted(ALIAS)
        read_only("off")
        send_in_rounds(publisher, messages, truth, ALIAS, collectors.alive)
    assert collectors.alive(), process.output()
    assert before < truth.events
    assert_equal(truth, ALIAS)
    assert process.output().count("in a read-only transaction") == 1


def read_only(switch: str) -> None:
    """For every connection, also those that are open."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET default_transaction_read_only = {switch}")
        cursor.execute("SELECT pg_reload_conf()")


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_waited_for(rabbitmq_url: str, collectors_on: CollectorsOn) -> None:
    """SQLite's file may not grow for a while."""
    truth = Truth()
    collectors = collectors_on(rabbitmq_url, "default")
    process = collectors.begin(BATCH, constants=CONSTANTS)
    messages = truth.noting(recent(Stream(events=sized(40_000), failures=0.05, retries=0.05)))
    with publishing(rabbitmq_url) as publisher:
        publisher.send(islice(messages, sized(1_000)))
        wait_until_stored(truth, "default", collectors.alive)
        _may_grow_to(process, 4096)
        publisher.send(messages)
        wait_until(lambda: "does not take a batch" in process.output() or not collectors.alive())
        _may_grow_to(process, resource.RLIM_INFINITY)
    wait_until_stored(truth, "default", collectors.alive)
    assert collectors.alive(), process.output()
    assert_equal(truth, "default")


def _may_grow_to(process: Process, size: int) -> None:
    """Any file that the process writes."""
    _soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))
