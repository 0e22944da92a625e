"""Several writers at once, and writers that are interrupted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError, connections

from django_celery_monitor.events import Decoded
from django_celery_monitor.models import Installation, Task, TaskError
from django_celery_monitor.state.derive import derive
from django_celery_monitor.storage import batch
from tests.contract.stored import (
    ARRIVED,
    counts,
    everything,
    recounted,
    recounted_stats,
    stats,
    store,
)
from tests.contract.test_batches import life, worker_event
from tests.streams import event, wire

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
only_servers = pytest.mark.parametrize("alias", ["postgresql", "mariadb"], indirect=True)
only_mariadb = pytest.mark.parametrize("alias", ["mariadb"], indirect=True)


@pytest.fixture
def in_threads(alias: str) -> Callable[..., None]:
    """Run functions at the same moment, each with a connection of its own."""

    def run(*functions: Callable[[], object]) -> None:
        barrier = threading.Barrier(len(functions))
        errors: list[BaseException] = []

        def target(function: Callable[[], object]) -> None:
            with closing(connections[alias]):
                try:
                    barrier.wait(10)
                    function()
                except BaseException as error:
                    errors.append(error)

        threads = [threading.Thread(target=target, args=[each]) for each in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not errors

    return run


def test_two_writers_at_once_on_the_same_new_tasks_lose_nothing(
    alias: str, in_threads: Callable[..., None]
) -> None:
    for turn in range(4):
        ids = [f"{turn}-{number}" for number in range(20)]
        first = [wire(i, each) for i in ids for each in (event("sent"), event("started", 2))]
        second = [wire(i, each) for i in ids for each in (event("received", 1), event("failed", 3))]
        in_threads(lambda one=first: store(one), lambda two=second: store(two))
    assert {task.state for task in Task.objects.all()} == {"FAILURE"}
    assert {len(json.loads(task.events)) for task in Task.objects.all()} == {4}
    assert (Task.objects.count(), TaskError.objects.count()) == (80, 80)
    assert stats() == recounted_stats()
    assert counts() == recounted()
    assert Installation.objects.get().writes == 8


def test_the_first_writers_of_an_empty_database_wait_for_each_other(
    alias: str, in_threads: Callable[..., None]
) -> None:
    for turn in range(5):
        Installation.objects.all().delete()
        in_threads(lambda at=turn: store(life(f"{at}a")), lambda at=turn: store(life(f"{at}b")))
        assert Installation.objects.get().writes == 2
    assert counts() == recounted()


@only_mariadb
def test_who_waited_sees_what_was_written_meanwhile_also_under_repeatable_read(
    alias: str, in_threads: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's own default, which a project gets with ``"isolation_level": None``."""
    monkeypatch.setitem(
        connections[alias].settings_dict["OPTIONS"], "isolation_level", "repeatable read"
    )
    store(life("before"))
    for turn in range(5):
        first = [wire(f"{turn}", each) for each in (event("sent"), event("started", 2))]
        second = [wire(f"{turn}", each) for each in (event("received", 1), event("failed", 3))]
        in_threads(lambda one=first: store(one), lambda two=second: store(two))
    assert {len(json.loads(task.events)) for task in Task.objects.all()} == {4}
    assert counts() == recounted()
    assert stats() == recounted_stats()


@pytest.mark.parametrize("error", [DataError("too long"), OperationalError("gone")])
def test_a_failing_batch_leaves_nothing_half_written(alias: str, error: Exception) -> None:
    store(life("old"))
    before, writes = everything(), Installation.objects.get().writes
    stream = [*life("new"), wire("old", event("failed", 9)), worker_event("online", 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_quarantine", _raiser(error))
        with pytest.raises(type(error)):
            store(stream)
    assert everything() == before
    assert Installation.objects.get().writes == writes
    assert store(stream).tasks == 2


def _raiser(error: Exception) -> Callable[..., None]:
    def refuse(*_args: Any) -> None:
        raise error

    return refuse


@only_servers
def test_what_the_database_refuses_is_djangos_data_error(alias: str) -> None:
    """On PostgreSQL rows go through the driver's own cursor, which raises the driver's errors."""
    with pytest.raises(DataError):
        batch.store(Decoded({"t1": [event("received", name="x" * 256)]}, [], [], 0), ARRIVED, alias)
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_celery_monitor_task")
        assert cursor.fetchone() == (0,)


@only_servers
def test_a_lost_connection_is_djangos_operational_error(alias: str) -> None:
    decoded = Decoded({"t1": [event("received")]}, [], [], 0)
    batch.store(decoded._replace(tasks={"t0": [event("received")]}), ARRIVED, alias)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "derive", _hang_up_before(alias, derive))
        with pytest.raises((OperationalError, InterfaceError)):
            batch.store(decoded, ARRIVED, alias)
    connections[alias].close()
    assert batch.store(decoded, ARRIVED, alias).tasks == ["t1"]


@only_servers
def test_a_wait_that_takes_too_long_is_djangos_operational_error(alias: str) -> None:
    """Which the collector answers with patience; the batch can be given again."""
    limit = {
        "postgresql": "SET lock_timeout = '0.5s'",
        "mariadb": "SET innodb_lock_wait_timeout = 1",
    }
    store(life("before"))
    with connections[alias].cursor() as cursor:
        cursor.execute(limit[alias])
    with closing(connections[alias].copy()) as other, other.cursor() as elsewhere:
        elsewhere.execute("BEGIN")
        elsewhere.execute("UPDATE django_celery_monitor_installation SET writes = writes + 1")
        with pytest.raises(OperationalError):
            store(life("late"))
        elsewhere.execute("ROLLBACK")
    assert store(life("late")).tasks == 1
    assert counts() == recounted()
    connections[alias].close()


def _hang_up_before(alias: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The server ends our connection in the middle of the batch."""
    own, end = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
        "mariadb": ("SELECT connection_id()", "KILL CONNECTION %s"),
    }[alias]

    def hang_up(*args: Any) -> Any:
        with connections[alias].cursor() as cursor:
            cursor.execute(own)
            pid = cursor.fetchone()
        with closing(connections[alias].copy()) as other, other.cursor() as cursor:
            cursor.execute(end, pid)
        return function(*args)

    return hang_up
