"""What a database could refuse, lose or be slow with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError, connections
from django.test.utils import CaptureQueriesContext

from django_celery_monitor.events import Decoded
from django_celery_monitor.models import Installation, Task, TaskError, TaskStats
from django_celery_monitor.pipeline import Pipeline
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
from tests.streams import OTHER, event, wire

in_a_transaction = pytest.mark.django_db(databases="__all__")
committed = pytest.mark.django_db(databases="__all__", transaction=True)
only_postgresql = pytest.mark.parametrize("alias", ["postgresql"], indirect=True)

HOSTILE = (
    "'; DROP TABLE django_celery_monitor_task; --",
    '"quoted" `ticked` [boxed] %s %(x)s {0} $1 ?',
    "\\N \\. \\\\ \\x00 \\",
    "tab\tnewline\nreturn\rfeed\f bell\a",
    "<script>alert(1)</script>&amp;",
    "مرحبا \u202e ﷽ 👩‍👩‍👧‍👦 \U0010ffff",
    " leading and trailing ",
    "true",
    "x" * 255,
    "\U0001f600" * 255,
)


@in_a_transaction
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_stored_as_they_are(alias: str, text: str) -> None:
    custom: dict[str, Any] = {"custom": {text: [text, {"n": text}]}}
    stream = [
        event("sent", 0, args=text, kwargs=text, queue=text, name=text),
        event("received", 1, text, name=text, root_id=text, parent_id=text),
        event(text[:60].upper(), 2, text, **custom),
        event("retried", 2.5, text, exception=text, traceback=text),
        event("succeeded", 3, text, result=text),
    ]
    store([wire(text, each) for each in stream])
    store([wire(text, event("started", 1.5, text))])
    task = Task.objects.get()
    assert {task.id, task.name, task.worker, task.queue, task.root_id, task.parent_id} == {text}
    assert {task.args, task.kwargs, task.result} == {text}
    error = TaskError.objects.get()
    assert (error.message, error.traceback, error.name) == (text, text, text)
    assert stats() == recounted_stats()
    assert counts() == recounted()
    assert store([wire(text, each) for each in stream]).revision == 0


@in_a_transaction
def test_what_databases_refuse_is_replaced(alias: str) -> None:
    message = json.dumps(wire("t\0\ud800", event("received", args="a\0\udfffb"))).encode()
    assert Pipeline().store([message], ARRIVED).tasks == 1
    assert Task.objects.get().args == "a\ufffd?b"


@in_a_transaction
def test_absurd_numbers_are_stored(alias: str) -> None:
    far: dict[str, Any] = {
        "eta": "9999-12-31T23:59:59-12:00",
        "expires": "0001-01-01T00:00:00+14:00",
    }
    stream = [
        event("received", 0, retries=2**62, **far),
        event("started", 1),
        event("succeeded", 2, runtime=9.9e11, clock=2**63 - 1),
    ]
    for number in range(8):
        store([wire(f"t{number}", each) for each in stream])
    assert {task.runtime for task in Task.objects.all()} == {9.9e11}
    assert {task.retries for task in Task.objects.all()} == {2**31 - 1}
    assert stats() == recounted_stats()


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


@committed
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


@committed
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


@committed
@only_postgresql
def test_what_postgresql_refuses_is_djangos_data_error(alias: str) -> None:
    """The rows go through the driver's own cursor, which raises the driver's own errors."""
    with pytest.raises(DataError):
        batch.store(Decoded({"t1": [event("received", args="\0")]}, [], [], 0), ARRIVED, alias)
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_celery_monitor_task")
        assert cursor.fetchone() == (0,)


@committed
@only_postgresql
def test_a_lost_connection_is_djangos_operational_error(alias: str) -> None:
    decoded = Decoded({"t1": [event("received")]}, [], [], 0)
    batch.store(decoded._replace(tasks={"t0": [event("received")]}), ARRIVED, alias)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "derive", _hang_up_before(alias, derive))
        with pytest.raises((OperationalError, InterfaceError)):
            batch.store(decoded, ARRIVED, alias)
    connections[alias].close()
    assert batch.store(decoded, ARRIVED, alias).tasks == ["t1"]


def _hang_up_before(alias: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The server ends our connection in the middle of the batch."""

    def hang_up(*args: Any) -> Any:
        pid = connections[alias].connection.info.backend_pid
        with closing(connections[alias].copy()) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        return function(*args)

    return hang_up


@in_a_transaction
def test_the_number_of_statements_does_not_grow_with_the_events(alias: str) -> None:
    def statements(tasks: int, prefix: str) -> list[int]:
        steps = [
            [event("sent")],
            [event("failed", 3, exception="A()")],
            # The name is learnt late, the state changes again, and errors are marked anew.
            [event("received", 1, name=f"{prefix}.name"), event("started", 2)],
            [event("failed", 3.1, exception="A()"), event("received", 5, OTHER)],
            [event("succeeded", 9, OTHER, runtime=4.0)],
            [event("failed", at, exception=f"E{at}()") for at in range(10, 50)],
        ]
        found = []
        for step in steps:
            with CaptureQueriesContext(connections[alias]) as captured:
                store(
                    [
                        wire(f"{prefix}{number}", each._replace(data=_named(each.data, number)))
                        for number in range(tasks)
                        for each in step
                    ]
                )
            found.append(len(captured))
        return found

    # The first batches make rows that the later ones find.
    _first, few, many = statements(1, "first"), statements(2, "few"), statements(30, "many")
    assert many == few
    assert max(many) < 40
    assert TaskStats.objects.filter(label="many.name29").exists()


def _named(data: dict[str, Any], number: int) -> dict[str, Any]:
    return data | ({"name": f"{data['name']}{number}"} if "name" in data else {})
