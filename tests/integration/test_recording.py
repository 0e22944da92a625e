"""What the recorder tells, over real brokers, until it is in the rows."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, chord, group
from celery.beat import Scheduler, Service
from celery.events.receiver import EventReceiver
from celery.events.state import State
from celery.schedules import schedule
from kombu.utils.json import loads
from pytest_django import Settings

from django_celery_monitor.models import BadEvent, Task
from django_celery_monitor.pipeline import store
from django_celery_monitor.recorder import receivers
from django_celery_monitor.storage.rows import events_of, facts_of
from tests.fixtures.processes import ROOT, StartProcess
from tests.fixtures.workers import CeleryWorker
from tests.integration.collecting import collecting
from tests.listening import listening
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "hunter2hunter2"


@pytest.fixture
def app(broker_url: str, settings: Settings) -> Iterator[Celery]:
    settings.CELERY_MONITOR = {"RECORD_ORIGIN": f"{__name__}.origin"}
    app = Celery("recorded", broker=broker_url, set_as_current=False)
    app.conf.update(result_backend="cache+memory://")
    app.task(shared=False, name="shop.pay")(_pay)
    yield app
    receivers.flush()
    app.close()


def _pay(order: int = 0, card_number: str = "", **named: Any) -> None: ...


def origin() -> str:
    return "request 4711"


def pay(app: Celery) -> Any:
    """Untyped: Celery's stubs know fewer options than it takes."""
    return app.tasks["shop.pay"]


def messages_of(app: Celery, publish: Any, count: int) -> list[bytes]:
    """The bodies that a monitor receives of what ``publish`` publishes."""
    with listening(app) as listener:
        publish()
        receivers.flush()
        listener.events(count)
        bodies = [message.body for message in listener.messages]
        return [each.encode() if isinstance(each, str) else each or b"" for each in bodies]


def test_what_is_published_is_in_the_row_before_a_worker_has_it(app: Celery) -> None:
    with collecting(app):
        pay(app).apply_async((7,), {"note": "é"}, task_id="t1", queue="mail", priority=3)
        wait_until(lambda: Task.objects.filter(id="t1").exists(), timeout=20)
    task = Task.objects.get()
    assert (task.name, task.state, task.known_by) == ("shop.pay", "PENDING", "sender")
    assert (task.queue, task.priority, task.origin) == ("mail", 3, "request 4711")
    assert (task.args, task.kwargs) == ("(7,)", "{'note': 'é'}")
    assert task.sent_at is not None
    assert abs(task.sent_at.timestamp() - time.time()) < 120
    [event] = events_of(task)
    assert event.hostname.startswith(f"gen{os.getpid()}@")
    assert loads(event.data["payload"]) == [[7], {"note": "é"}]
    assert "flaw" not in event.data


def test_a_group_and_a_chord_are_known_by_their_rows(app: Celery) -> None:
    header = group([pay(app).s(1), pay(app).s(2)], app=app)
    body = pay(app).s().set(task_id="body")
    bodies = messages_of(app, chord(header, body, app=app).apply_async, 2)
    store(bodies)
    rows = list(Task.objects.all())
    assert len(rows) == 2
    assert len({row.group_id for row in rows}) == 1
    assert rows[0].group_id
    data = [events_of(row)[0].data for row in rows]
    assert {each.get("group_index", 0) for each in data} == {0, 1}
    assert [each["chord"] for each in data] == [{"task": "shop.pay", "id": "body"}] * 2


def test_a_periodic_task_has_the_name_of_its_entry(app: Celery) -> None:
    app.conf.beat_schedule = {"nightly": {"task": "shop.pay", "schedule": schedule(0)}}
    service = Service(app, scheduler_cls=Scheduler)
    receivers.name_entries(sender=service)
    [entry] = service.scheduler.schedule.values()
    store(messages_of(app, lambda: service.scheduler.apply_async(entry), 1))
    assert Task.objects.get().periodic_name == "nightly"


def test_no_secret_is_on_the_wire_nor_in_a_row(app: Celery) -> None:
    def publish() -> None:
        pay(app).delay(1, SECRET)
        pay(app).delay(2, api_key=SECRET, deep=[{"token": SECRET}])
        pay(app).apply_async((3, ""), headers={"authorization": SECRET})
        # Of another program: no signature is known.
        app.send_task("elsewhere", (SECRET,), {"password": SECRET})

    bodies = messages_of(app, publish, 4)
    assert SECRET not in str(bodies)
    store([*bodies, *bodies])
    assert Task.objects.count() == 4
    assert not BadEvent.objects.exists()
    assert SECRET not in str(list(Task.objects.values()))


def test_storing_what_was_masked_masks_nothing_more(app: Celery) -> None:
    def publish() -> None:
        pay(app).apply_async((1, SECRET), {"note": "fine"}, task_id="t1")

    store(messages_of(app, publish, 1))
    task = Task.objects.get()
    assert task.args == "(1, ••••••)"
    assert task.kwargs == "{'note': 'fine'}"
    assert events_of(task)[0].data["flaw"] == "redacted"


def test_a_worker_tells_on_and_publishes_itself(
    broker_url: str, celery_worker: CeleryWorker, settings: Settings
) -> None:
    """Its pool's processes are forked; each publishes for itself."""
    settings.CELERY_MONITOR = {"RECORD": True}
    worker = celery_worker(broker_url, env={"TEST_RECORD": "1"})
    with collecting(worker.app):
        done = worker.send("retry_then_succeed", 2).id
        wait_until(lambda: Task.objects.filter(id=done, state="SUCCESS").exists(), timeout=40)
        receivers.flush()
        wait_until(lambda: len(_published(done)) == 3, timeout=20)
    row = Task.objects.get(id=done)
    assert (row.queue, row.retries) == ("celery", 2)
    assert [event.data.get("retries", 0) for event in _published(done)] == [0, 1, 2]
    assert len({event.pid for event in _published(done)}) == 2
    assert [run.outcome for run in facts_of(row).runs] == ["retried", "retried", "succeeded"]


def _published(task_id: str) -> list[Any]:
    events = events_of(Task.objects.get(id=task_id))
    return [event for event in events if event.type == "monitor-published"]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """It accepts connections and never says a word."""
    with socket.socket() as listening_socket:
        listening_socket.bind(("127.0.0.1", 0))
        listening_socket.listen(64)
        yield listening_socket.getsockname()[1]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_does_not_answer_slows_no_publishing_elsewhere(
    app: Celery, deaf_port: int, scheme: str
) -> None:
    other = Celery("deaf", broker=f"{scheme}://127.0.0.1:{deaf_port}//", set_as_current=False)
    other.task(shared=False, name="shop.pay")(_pay)
    with app.connection_for_write() as healthy:
        channel: Any = healthy.default_channel
        pay(other).apply_async(connection=healthy)
        begun = time.monotonic()
        for number in range(100):
            pay(other).apply_async((number,), connection=healthy)
        assert time.monotonic() - begun < 10
        assert channel.queue_purge("celery") == 101
    outbox = receivers._outboxes.pop(other)
    assert outbox._running
    begun = time.monotonic()
    outbox.flush(0.2)
    assert time.monotonic() - begun < 2


FORKING = """
import os, sys
import django
django.setup()
from celery import Celery
from kombu import pools
app = Celery("forking", broker=sys.argv[1], set_as_current=False)
send = lambda who: app.send_task("shop.pay", (who,), task_id=who)
send("master")
# Celery's own connections cannot be shared; a server that preloads has to close them.
pools.reset()
app._after_fork()
children = []
for name in ("one", "two"):
    child = os.fork()
    if not child:
        for number in range(20):
            send(f"{name} {number}")
        sys.exit(0)
    children.append(child)
send("master again")
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_server_that_forks_after_it_published_loses_nothing(app: Celery, broker_url: str) -> None:
    """As gunicorn with --preload does; each process ends by itself and sends what is left."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.project.settings",
        "TEST_RECORD": "1",
    }
    with listening(app) as listener:
        subprocess.run(
            [sys.executable, "-c", FORKING, broker_url],
            cwd=ROOT,
            env=environment,
            check=True,
            timeout=60,
        )
        events = listener.events(42)
    assert sorted(event["uuid"] for event in events) == sorted(
        ["master", "master again"]
        + [f"{name} {number}" for name in ("one", "two") for number in range(20)]
    )
    assert len({(event["pid"], event["hostname"]) for event in events}) == 3


def test_celerys_own_state_sees_nothing_of_it(app: Celery) -> None:
    """What Flower and `celery events` keep; they would take a `task-` type for a state."""
    app.conf.task_send_sent_event = True
    state: Any = State()
    heard: list[dict[str, Any]] = []

    def keep(event: dict[str, Any]) -> None:
        heard.append(event)
        state.event(dict(event))

    with app.connection_for_read() as connection:
        receiver: Any = EventReceiver(connection, handlers={"*": keep}, app=app)
        with receiver.consumer_context() as (link, _channel, _consumers):
            _drain(link, 0.2)
            pay(app).apply_async((1,), task_id="t1")
            receivers.flush()
            wait_until(lambda: _drain(link, 0.1) and len(heard) >= 2, timeout=20)
    assert {event["type"] for event in heard} == {"task-sent", "monitor-published"}
    assert {task.uuid: task.state for task in state.tasks.values()} == {"t1": "PENDING"}
    assert state.task_count == 0
    assert all("published" not in str(vars(task)) for task in state.tasks.values())


def _drain(connection: Any, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        connection.drain_events(timeout=seconds)
    return True


def test_celery_events_dumps_it_as_any_other_event(
    app: Celery, broker_url: str, start_process: StartProcess
) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.project.settings"}
    dump = start_process(
        *["-m", "celery", "-A", "benchmarks.app", "events", "--dump"],
        env=environment | {"TEST_BROKER_URL": broker_url, "PYTHONUNBUFFERED": "1"},
    )

    def seen() -> bool:
        pay(app).delay(1)
        receivers.flush()
        return "monitor published: args=(1,)" in dump.output()

    wait_until(seen, timeout=40, interval=0.3)
    assert dump.child.poll() is None
    assert "Traceback" not in dump.output()
