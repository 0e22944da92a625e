"""What a database could refuse, mistake or be slow with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_celery_monitor.events import Decoded
from django_celery_monitor.models import Task, TaskError, TaskStats, Worker
from django_celery_monitor.pipeline import Pipeline
from django_celery_monitor.storage import batch
from tests.contract.stored import (
    ARRIVED,
    counts,
    recounted,
    recounted_stats,
    stats,
    store,
)
from tests.streams import OTHER, event, wire

pytestmark = pytest.mark.django_db(databases="__all__")
only_mariadb = pytest.mark.parametrize("alias", ["mariadb"], indirect=True)

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
    texts = {task.id, task.name, task.worker, task.queue, task.parent_id}
    assert (texts, task.root_id) == ({text}, "")
    assert {task.args, task.kwargs, task.result} == {text}
    error = TaskError.objects.get()
    assert (error.message, error.traceback, error.name) == (text, text, text)
    assert stats() == recounted_stats()
    assert counts() == recounted()
    assert store([wire(text, each) for each in stream]).revision == 0


def test_what_databases_refuse_is_replaced(alias: str) -> None:
    message = json.dumps(wire("t\0\ud800", event("received", args="a\0\udfffb"))).encode()
    assert Pipeline().store([message], ARRIVED).tasks == 1
    assert Task.objects.get().args == "a\ufffd?b"


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


def test_ids_that_only_look_the_same_are_different_tasks(alias: str) -> None:
    ids = ["a", "A", "á", "a ", "\uff41", "ß", "ss"]
    for task_id in ids:
        store([wire(task_id, event("received", 1, task_id, name=f"shop.{task_id}"))])
    store([wire(task_id, event("failed", 2, task_id, exception="E()")) for task_id in ids])
    assert set(Task.objects.values_list("id", flat=True)) == set(ids)
    assert set(Worker.objects.values_list("hostname", flat=True)) == set(ids)
    assert {len(json.loads(task.events)) for task in Task.objects.all()} == {2}
    assert TaskError.objects.count() == len(ids)
    assert stats() == recounted_stats()
    assert counts() == recounted()


@only_mariadb
def test_a_batch_larger_than_a_packet_is_stored(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet")
        [most] = cursor.fetchone()
    text = "x" * 100_000
    tasks = {
        f"t{number}": [event("received", args=text, kwargs=text)]
        for number in range(most // len(text) // 2)
    }
    assert len(batch.store(Decoded(tasks, [], [], 0), ARRIVED, alias).tasks) == len(tasks)
    assert Task.objects.filter(kwargs=text).count() == len(tasks)


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
