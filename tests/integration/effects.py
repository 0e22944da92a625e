"""What each act does to a worker, whatever door it goes through: one function for each act.

A function says what is given, lets the door do it, and looks at the worker, of which it asks
Celery, not us.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from celery.exceptions import TimeLimitExceeded
from celery.result import AsyncResult
from django.utils import timezone

from django_celery_monitor.control.acts.base import Outcome
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.models import ControlAction, TaskTotals
from tests.integration.doors import REASON, Done, Door
from tests.integration.kept import a_task
from tests.integration.made import failed, now, received, sent, store
from tests.integration.stage import ADD, DONE, ECHO, LIMITED, SLOW, Stage, host, queue
from tests.listening import Listener, listening
from tests.project import tasks
from tests.waiting import wait_until

ABORTABLE = tasks.abortable.name
LONG = 600
# Seconds: of a busy machine.
WAIT = 30
MAIN: dict[str, Any] = {"workers": [host("prefork")]}


@dataclass
class Scene:
    """Before one door, in front of a stage; ``number`` tells it from others there."""

    stage: Stage
    door: Door
    source: str
    number: int
    act: str = ""

    def do(self, *outcomes: str, **given: Any) -> Done:
        """It leaves one entry, of which everything is true; confirmed, if nothing else is said."""
        entries = ControlAction.objects.count()
        done = self.door(self.act, given)
        entry, act = done.entry, ACTS[self.act]
        assert ControlAction.objects.count() == entries + 1
        assert (entry.act, entry.source) == (act.name, self.source)
        wrong = (entry.outcome, entry.detail, entry.replies, entry.silent)
        assert entry.outcome in (outcomes or (DONE,)), wrong
        assert entry.reason == (REASON if act.changes else entry.reason)
        assert entry.ended_at
        return done

    def named(self, name: str) -> str:
        """A name of this scene's own."""
        return f"{name}-{self.source}"

    def kept(self, task_id: str, name: str = ADD, state: str = "STARTED") -> str:
        worker = host("prefork")
        a_task(task_id, name=name, state=state, worker=worker, time=timezone.now())
        return task_id

    @cached_property
    def busy(self) -> Busy:
        """Both processes are at work, so one task more waits, and another one for its time."""
        stage, stamp = self.stage, self.named("shop")
        stamped = {"stamped_headers": ["shop"], "stamps": {"shop": [stamp]}}
        running = [stage.send(SLOW, LONG), stage.send(SLOW, LONG, headers=stamped)]
        pids = wait_until(partial(_pids_of, stage, running))
        held, timed = stage.send(ADD, 1, 2), stage.send(ADD, 1, 2, countdown=3600)
        wait_until(lambda: _holds(stage, "reserved", held))
        wait_until(lambda: _holds(stage, "scheduled", timed))
        return Busy(running, pids, held, timed)


@dataclass(frozen=True)
class Busy:
    running: list[AsyncResult[Any]]
    pids: list[int]
    held: AsyncResult[Any]
    timed: AsyncResult[Any]


Effect = Callable[[Scene], None]
# In this order: what follows may lean on what was before.
EFFECTS: dict[str, Effect] = {}


def effect(function: Effect) -> Effect:
    EFFECTS[function.__name__] = function
    return function


def _tells(act: str, expected: Callable[[Scene], str], **given: Any) -> None:
    """Of an act that only asks: what is true of the worker comes through the door."""

    def told(scene: Scene) -> None:
        text = expected(scene)
        done = scene.do(**MAIN, **given)
        assert text in done.said
        assert done.entry.replies[host("prefork")]["verdict"] == "done"

    EFFECTS[act] = told


_tells("ping", lambda _scene: "pong")
_tells("clock", lambda _scene: "clock")
_tells("stats", lambda scene: str(scene.stage.workers["prefork"].pid))
_tells("active_queues", lambda _scene: queue("prefork"))
_tells("registered", lambda _scene: LIMITED)
_tells("conf", lambda _scene: "worker_pool_restarts")
_tells("report", lambda _scene: "software")
# Celery measures nothing without the package psutil, and says so.
_tells("memsample", lambda _scene: host("prefork"))
_tells("memdump", lambda _scene: "rss", samples=2)


@effect
def objgraph(scene: Scene) -> None:
    """The package is not installed."""
    done = scene.do(Outcome.REFUSED, **MAIN, type="Request", num=5)
    assert "objgraph" in done.entry.replies[host("prefork")]["text"]


_tells("active", lambda scene: scene.busy.running[0].id)
_tells("reserved", lambda scene: scene.busy.held.id)
_tells("scheduled", lambda scene: scene.busy.timed.id)


@effect
def query_task(scene: Scene) -> None:
    task_id = scene.busy.held.id
    done = scene.do(ids=[task_id], **MAIN)
    assert task_id in done.said
    assert "reserved" in done.said


@effect
def terminate(scene: Scene) -> None:
    """The child is gone, and another one does what waited."""
    task, pid = scene.busy.running[0], scene.busy.pids[0]
    scene.do(ids=[scene.kept(task.id, SLOW)], signal="KILL")
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    wait_until(lambda: task.state == "REVOKED")
    assert scene.busy.held.get(timeout=WAIT) == 3


@effect
def terminate_by_stamped_headers(scene: Scene) -> None:
    task, pid = scene.busy.running[1], scene.busy.pids[1]
    scene.do(headers={"shop": [scene.named("shop")]}, signal="KILL")
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    wait_until(lambda: task.state == "REVOKED")


@effect
def revoke(scene: Scene) -> None:
    """Whoever gets the task later throws it away."""
    task_id = scene.kept(scene.named("revoked"), state="RECEIVED")
    scene.do(ids=[task_id])
    _is_thrown_away(scene.stage.send(ADD, 1, 2, task_id=task_id))


@effect
def revoke_by_stamped_headers(scene: Scene) -> None:
    scene.do(headers={"customer": [scene.named("ann")]})
    stamps = {"stamped_headers": ["customer"], "stamps": {"customer": [scene.named("ann")]}}
    _is_thrown_away(scene.stage.send(ADD, 1, 2, headers=stamps))


_tells("revoked", lambda scene: scene.named("revoked"))


@effect
def abort(scene: Scene) -> None:
    """The task looks, and ends by itself."""
    task = scene.stage.send(ABORTABLE, LONG)
    wait_until(lambda: _holds(scene.stage, "active", task))
    scene.do(Outcome.REQUESTED, ids=[scene.kept(task.id, ABORTABLE)])
    wait_until(lambda: task.result == "aborted")


@effect
def retry(scene: Scene) -> None:
    """Another task runs with the same arguments, in the same queue."""
    task_id, at = scene.named("failed"), now() - 60
    event = sent(task_id, at, name=ADD, payload="[[20, 3], {}]", queue=queue("prefork"))
    publish = event | {"type": "monitor-published", "routing_key": queue("prefork")}
    store(publish, received(task_id, at + 1, name=ADD), failed(task_id, at + 2))
    done = scene.do(id=task_id, confirm=True)
    _ran(scene, done, 23)


@effect
def send(scene: Scene) -> None:
    done = scene.do(task=ADD, args=[2, 5], queue=queue("prefork"), priority=3)
    _ran(scene, done, 7)


@effect
def rate_limit(scene: Scene) -> None:
    """It holds: of two tasks one starts, and what is behind them in the queue is not held up."""
    scene.do(task=ECHO, rate="1/h", **MAIN)
    both = [scene.stage.send(ECHO, number) for number in range(2)]
    assert scene.stage.send(ADD, 1, 2).get(timeout=WAIT) == 3
    wait_until(lambda: any(each.ready() for each in both))
    assert sum(each.ready() for each in both) == 1


@effect
def time_limit(scene: Scene) -> None:
    """The worker has it; that it holds is seen once the pool has been restarted."""
    scene.do(Outcome.UNCLEAR, task=LIMITED, hard=1, **MAIN)
    control = scene.stage.app.control.inspect([host("prefork")], timeout=10, limit=1)
    told = (control.registered("time_limit") or {})[host("prefork")]
    assert f"{LIMITED} [time_limit=1.0]" in told


@effect
def pool_restart(scene: Scene) -> None:
    """What runs is left to end; then there are other processes, and the new time limit holds."""
    before, tasks = scene.stage.pids(), [scene.stage.send(SLOW, 1) for _ in range(2)]
    wait_until(partial(_pids_of, scene.stage, tasks))
    scene.do(**MAIN)
    assert [each.get(timeout=WAIT) for each in tasks] == [1, 1]
    wait_until(lambda: before.isdisjoint(scene.stage.pids()))
    task = scene.stage.send(LIMITED, LONG)
    wait_until(task.ready)
    assert isinstance(task.result, TimeLimitExceeded)


@effect
def pool_grow(scene: Scene) -> None:
    before = scene.stage.pids()
    scene.do(n=2, **MAIN)
    wait_until(lambda: len(scene.stage.pids()) == len(before) + 2)
    assert len(scene.stage.pids() - before) >= 2


@effect
def pool_shrink(scene: Scene) -> None:
    """Processes are gone, and the last one stays."""
    before = scene.stage.pids()
    scene.do(n=2, **MAIN)
    after = wait_until(partial(_of_size, scene.stage, len(before) - 2))
    wait_until(lambda: not any(Path(f"/proc/{each}").exists() for each in before - after))
    refused = scene.do(Outcome.REFUSED, n=len(after), **MAIN)
    assert "one has to stay" in refused.entry.replies[host("prefork")]["text"]
    assert scene.stage.pids() == after


@effect
def autoscale(scene: Scene) -> None:
    least, most = 3 + scene.number, 5 + scene.number
    scene.do(max=most, min=least, workers=[host("scaled")])
    scaler = scene.stage.inspect("stats", "scaled")["autoscaler"]
    assert (scaler["min"], scaler["max"]) == (least, most)
    wait_until(lambda: least <= len(scene.stage.pids("scaled")) <= most)


@effect
def add_consumer(scene: Scene) -> None:
    """The queue is consumed."""
    scene.do(queue=scene.named("extra"), **MAIN)
    assert scene.stage.send(ADD, 1, 2, queue=scene.named("extra")).get(timeout=WAIT) == 3


@effect
def cancel_consumer(scene: Scene) -> None:
    """The queue keeps what comes."""
    extra = scene.named("extra")
    TaskTotals.objects.create(grain=TaskTotals.Grain.QUEUE, name="", label=extra)
    scene.do(queue=extra, **MAIN)
    wait_until(lambda: extra not in scene.stage.queues())
    scene.stage.send(ADD, 1, 2, queue=extra)
    wait_until(lambda: scene.stage.length(extra) == 1)


@effect
def purge(scene: Scene) -> None:
    extra = scene.named("extra")
    assert scene.stage.length(extra) == 1
    assert scene.do(queue=extra).entry.detail == "Deleted 1 message."
    assert scene.stage.length(extra) == 0


@effect
def heartbeat(scene: Scene) -> None:
    """One comes at once; those it sends by itself name the seconds between them, which are two."""
    with listening(scene.stage.app) as listener:
        scene.do(**MAIN)
        wait_until(lambda: ("worker-heartbeat", 5) in _heard(listener, "freq"))


@effect
def enable_events(scene: Scene) -> None:
    with listening(scene.stage.app) as listener:
        scene.do(**MAIN)
        task = scene.stage.send(ADD, 1, 2)
        wait_until(lambda: ("task-succeeded", task.id) in _heard(listener, "uuid"))


@effect
def disable_events(scene: Scene) -> None:
    with listening(scene.stage.app) as listener:
        scene.do(**MAIN)
        task = scene.stage.send(ADD, 1, 2)
        assert task.get(timeout=WAIT) == 3
        # What it says now comes after all that it would have said of the task.
        scene.stage.app.control.heartbeat(destination=[host("prefork")])
        wait_until(lambda: ("worker-heartbeat", 5) in _heard(listener, "freq"))
        assert task.id not in {uuid for _type, uuid in _heard(listener, "uuid")}


@effect
def shutdown(scene: Scene) -> None:
    """On a worker of its own."""
    name = scene.named("mortal")
    scene.stage.wait_for(name)
    scene.do(workers=[host(name)])
    assert scene.stage.workers[name].wait(WAIT) == 0


def wrong_of(scene: Scene) -> str:
    """What did not come true, of all acts, one after the other; empty if everything did."""
    wrong = []
    for act, effect in EFFECTS.items():
        scene.act = act
        try:
            effect(scene)
        except Exception:
            wrong.append(f"{act}: {traceback.format_exc()}")
    return "\n".join(wrong)


def _pids_of(stage: Stage, running: list[AsyncResult[Any]]) -> list[int]:
    """Once all of them run."""
    found = {each["id"]: each["worker_pid"] for each in stage.inspect("active")}
    pids = [found[each.id] for each in running if each.id in found]
    return pids if len(pids) == len(running) else []


def _holds(stage: Stage, where: str, task: AsyncResult[Any]) -> bool:
    listed = stage.inspect(where)
    return any(each.get("request", each)["id"] == task.id for each in listed)


def _is_thrown_away(task: AsyncResult[Any]) -> None:
    wait_until(lambda: task.state == "REVOKED")


def _ran(scene: Scene, done: Done, expected: int) -> None:
    new = done.entry.arguments["new_id"]
    assert scene.stage.app.AsyncResult(new).get(timeout=WAIT) == expected


def _of_size(stage: Stage, size: int) -> set[int]:
    found = stage.pids()
    return found if len(found) == size else set()


def _heard(listener: Listener, name: str) -> set[tuple[str, Any]]:
    return {(each["type"], each.get(name)) for each in listener.events(1)}
