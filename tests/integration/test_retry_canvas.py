"""What follows a task, callbacks and the rest of its chain, follows it again when it is retried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from celery import Celery, Signature, chain, chord, group
from kombu.utils.json import dumps
from pytest_django import Settings

from django_celery_monitor.control import canvas
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.control.perform import perform
from django_celery_monitor.control.previews import offer
from django_celery_monitor.models import Task
from django_celery_monitor.recorder import receivers
from django_celery_monitor.storage.rows import events_of
from tests.fixtures.workers import CeleryWorker, Worker
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on, collecting
from tests.integration.made import event, failed, now, received, sent, store
from tests.project import tasks
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

NAME = "tests.project.tasks.fail_first"
RAN = "tests.project.tasks.ran"


def signature(worker: Worker, name: str, *args: Any, **options: Any) -> Signature[Any]:
    task: Any = worker.app.tasks[getattr(tasks, name).name]
    made: Signature[Any] = task.s(*args).set(**options)
    return made


@pytest.fixture
def worker(broker_url: str, celery_worker: CeleryWorker, settings: Settings) -> Iterator[Worker]:
    settings.CELERY_MONITOR = {"RECORD": True, "RETRY_SAFE": ["tests.*", "shop.*"]}
    made = celery_worker(broker_url, concurrency=2, env={"TEST_RECORD": "yes"})
    with collecting(made.app):
        yield made


def failed_once(whole: Any, task_id: str) -> None:
    """Published, and its first task is known to have failed."""
    whole.apply_async()
    receivers.flush()
    wait_until(lambda: Task.objects.filter(pk=task_id, state="FAILURE"), timeout=30)
    wait_until(lambda: is_recorded(task_id), timeout=20)


def is_recorded(task_id: str) -> bool:
    events = events_of(Task.objects.get(pk=task_id))
    return any(each.type == "monitor-published" for each in events)


def runs(redis_url: str) -> list[str]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        found: Any = client.lrange("ran", 0, -1)
    return sorted(found)


def test_the_rest_of_a_chain_and_callbacks_run_once(worker: Worker, redis_url: str) -> None:
    first = signature(worker, "fail_first", "one", task_id=str(uuid4()), shadow="shop.first")
    first.link(signature(worker, "ran", "link"))
    first.link_error(signature(worker, "ran", "errback").set(immutable=True))
    middle = group(signature(worker, "ran", "left"), signature(worker, "ran", "right"))
    rest = (signature(worker, "ran", "two"), middle, signature(worker, "ran", "last"))
    failed_once(chain(first, *rest), first.options["task_id"])
    assert runs(redis_url) == ["errback"]
    before = set(Task.objects.values_list("pk", flat=True))

    task = Task.objects.get(pk=first.options["task_id"])
    assert offer(task).follows[:2] == [RAN, RAN]
    action = perform(None, "retry", {"id": task.id}, app=worker.app)
    again = action.arguments["new_id"]
    expected = ["errback", "one left", "one link", "one right", "one two"]
    wait_until(lambda: len(runs(redis_url)) > len(expected), timeout=30)
    # The last one gets what both of the group gave, in a list.
    assert [each for each in runs(redis_url) if not each.endswith("last")] == expected
    wait_until(lambda: Task.objects.filter(root_id=again, state="SUCCESS").count() >= 5, timeout=20)
    receivers.flush()
    wait_until(lambda: is_recorded(again), timeout=20)
    made = set(Task.objects.filter(root_id=again).values_list("pk", flat=True))
    assert not made & before
    shadows = [each.data.get("shadow") for each in events_of(Task.objects.get(pk=again))]
    assert "shop.first" in shadows


def test_a_member_of_a_chord_does_not_count_twice(worker: Worker, redis_url: str) -> None:
    member = signature(worker, "fail_first", "two", task_id=str(uuid4()))
    steps = chain(member, signature(worker, "ran", "step"))
    whole = chord([steps, signature(worker, "ran", "other")], signature(worker, "ran", "body"))
    failed_once(whole, member.options["task_id"])
    task = Task.objects.get(pk=member.options["task_id"])
    whole_offer = offer(task).whole
    assert whole_offer
    assert any("The chord that its chain" in each for each in whole_offer.unknown)
    perform(None, "retry", {"id": task.id, "confirm": True}, app=worker.app)
    wait_until(lambda: "two step" in runs(redis_url), timeout=30)
    assert [each for each in runs(redis_url) if each.endswith("body")] == []


def stored(state: str = "failed", **own: Any) -> Task:
    """The row of a task of which the recorder told this."""
    task_id, at = str(uuid4()), now() - 60
    told = sent(task_id, at, name=NAME, payload='[["a"], {}]', **own)
    end = failed(task_id, at + 2)
    if state == "succeeded":
        end = event("succeeded", task_id, at + 2, result="'a'", runtime=0.5)
    store(told | {"type": "monitor-published"}, received(task_id, at + 1, name=NAME), end)
    return Task.objects.get(pk=task_id)


def one(task: str = RAN, **options: Any) -> dict[str, Any]:
    return {"task": task, "args": [], "kwargs": {}, "options": options, "immutable": False}


def test_what_is_not_known_whole_is_said_and_not_sent() -> None:
    for own, text in (
        ({"canvas_flaw": "redacted"}, "do not run again"),
        ({"canvas": "{"}, "do not run again"),
        ({"canvas": '{"chain": [1]}'}, "do not run again"),
        ({"canvas": '{"other": []}'}, "do not run again"),
        ({"canvas": dumps({"chain": [one(chord=one(), group_id="g")]})}, "does not get"),
    ):
        found = offer(stored(**own))
        assert found.whole
        [said] = found.whole.unknown
        assert text in said
    assert found.follows == [RAN]
    none = offer(stored())
    assert none.whole
    assert (none.whole.unknown, none.follows) == ((), [])


def test_what_followed_a_task_that_succeeded_has_to_be_confirmed() -> None:
    task = stored("succeeded", canvas=dumps({"callbacks": [one()]}))
    app = app_on("memory://")
    with pytest.raises(BadParametersError, match=f"would run again: {RAN}"):
        perform(None, "retry", {"id": task.id}, app=app)


def test_ids_of_what_follows_are_new_everywhere_and_always_the_same() -> None:
    found = {"chain": [one(task_id="b", group_id="g", root_id="b", chord=one(task_id="c"))]}
    made = canvas.renewed(found, "x")
    [step] = made["chain"]
    options = step["options"]
    assert options["task_id"] == options["root_id"] != "b"
    assert {options["group_id"], options["chord"]["options"]["task_id"]}.isdisjoint({"g", "c"})
    assert made == canvas.renewed(found, "x") != canvas.renewed(found, "y")


@pytest.mark.parametrize(
    ("follower", "kept"),
    [
        ({"args": (1,)}, True),
        ({"kwargs": {"password": "hunter2"}}, False),
        ({"args": ("https://ann:hunter2@shop",)}, False),
        ({"task": "unknown", "args": ("hunter2",)}, False),
        ({"task": "unknown"}, True),
        ({"task": "celery.map", "kwargs": {"it": ["hunter2"]}}, False),
        ({"args": ("x" * 20_000,)}, False),
    ],
)
def test_secrets_of_what_follows_never_leave_the_process(
    follower: dict[str, Any], *, kept: bool, settings: Settings, redis_url: str
) -> None:
    settings.CELERY_MONITOR = {"RECORD": True}
    app: Celery = app_on(redis_url)
    app.task(name="shop.ship", shared=False)(_ship)
    link: Any = app.signature(follower.get("task", "shop.ship"), follower.get("args", ()))
    link["kwargs"] = follower.get("kwargs", {})
    with collecting(app):
        sent_task = app.tasks["shop.ship"].apply_async((1,), link=link)
        receivers.flush()
        wait_until(lambda: Task.objects.filter(pk=sent_task.id), timeout=20)
    app.close()
    [data] = [each.data for each in events_of(Task.objects.get())]
    assert "hunter2" not in json.dumps(data)
    assert ("canvas" in data, "canvas_flaw" in data) == (kept, not kept)


def _ship(order: int) -> None: ...
