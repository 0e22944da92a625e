"""A stream of events as Celery's processes put it on the wire, made up but the same every time."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from celery.utils.time import utcoffset
from kombu.utils.json import dumps

from benchmarks.texts import Texts, task_names

Event = dict[str, Any]

# How fast the made-up time runs; a busy cluster's pace.
TASKS_PER_SECOND = 2500
HEARTBEAT_SECONDS = 2.0
QUEUE = "celery"


class Message(NamedTuple):
    """One message: its body is the JSON of one event or of a list of them."""

    routing_key: str
    hostname: str
    body: bytes
    # How many events of tasks it holds.
    events: int


class Node(NamedTuple):
    """A process that sends events."""

    hostname: str
    pid: int


CLIENT = Node("gen4711@web-1", 4711)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What to make. Equal values make equal streams, but for the time they begin at."""

    # Task events; a task that has begun is also finished, so there may be a few more.
    events: int
    # So many other tasks begin between two events of a task.
    interleave: int = 0
    # Shares of tasks that fail, and that are retried once before they succeed.
    failures: float = 0.0
    retries: float = 0.0
    workers: int = 8
    names: int = 40
    # Task events in one message.
    size: int = 10
    # Publishers send each `task-sent` as a message of its own, not in lists as workers do.
    sent_alone: bool = False
    seed: int = 2026

    def messages(self, begin: float) -> Iterator[Message]:
        """The messages in the order of publishing; ``begin``: when the first task is sent."""
        buffers: dict[Node, list[Event]] = defaultdict(list)
        for clock, (node, event) in enumerate(self._events(begin)):
            complete: Event = {
                "hostname": node.hostname,
                "utcoffset": utcoffset(),
                "pid": node.pid,
                "clock": clock + 1,
                **event,
            }
            alone = self.sent_alone and event["type"] == "task-sent"
            if alone or event["type"].startswith("worker-"):
                yield _message(node, complete, event["type"].replace("-", "."), int(alone))
                continue
            buffer = buffers[node]
            buffer.append(complete)
            if len(buffer) == self.size:
                yield _message(node, buffer, "task.multi", len(buffer))
                buffer.clear()
        for node, buffer in buffers.items():
            if buffer:
                yield _message(node, buffer, "task.multi", len(buffer))

    def _events(self, begin: float) -> Iterator[tuple[Node, Event]]:
        """All events in order, each with its sender and without what all events have."""
        lives = _Lives(self)
        due: dict[int, list[deque[tuple[Node, Event]]]] = defaultdict(list)
        slot = planned = 0
        next_beat = begin
        while planned < self.events or due:
            now = begin + slot / TASKS_PER_SECOND
            if now >= next_beat:
                next_beat += HEARTBEAT_SECONDS
                yield from lives.heartbeats(now, slot)
            if planned < self.events:
                life = lives.one(slot, now)
                planned += len(life)
                due[slot].append(life)
            for life in due.pop(slot, ()):
                yield life.popleft()
                if life:
                    due[slot + self.interleave + 1].append(life)
            slot += 1


class _Lives:
    """Makes up lives of tasks."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rng = random.Random(stream.seed)
        self._texts = Texts(self._rng)
        self._names = task_names(stream.names)
        self._workers = [
            Node(f"celery@worker-{number}", 100 + number) for number in range(stream.workers)
        ]

    def one(self, number: int, at: float) -> deque[tuple[Node, Event]]:
        """The events of a task, from its sending to its end."""
        rng, stream = self._rng, self._stream
        task_id = str(UUID(int=rng.getrandbits(128), version=4))
        worker, name = rng.choice(self._workers), rng.choice(self._names)
        about = {"name": name, **self._texts.arguments(number), "root_id": task_id}
        fate = rng.random()
        life: deque[tuple[Node, Event]] = deque()

        def say(node: Node, kind: str, after: float, fields: Event) -> None:
            nonlocal at
            at += after + stream.interleave / TASKS_PER_SECOND
            life.append((node, {"uuid": task_id, **fields, "timestamp": at, "type": kind}))

        def begin(retries: int) -> None:
            call = about | {"parent_id": None, "retries": retries, "eta": None, "expires": None}
            where = {"queue": QUEUE, "exchange": "", "routing_key": QUEUE}
            say(CLIENT, "task-sent", 0.0, call | where)
            say(worker, "task-received", rng.lognormvariate(-6, 1), call)
            say(worker, "task-started", rng.lognormvariate(-5, 1), {})

        begin(0)
        runtime = rng.lognormvariate(-3, 1)
        if fate < stream.failures:
            say(worker, "task-failed", runtime, self._texts.error(name))
            return life
        if fate < stream.failures + stream.retries:
            say(worker, "task-retried", runtime, self._texts.error(name))
            begin(1)
        result = {"result": self._texts.result(number), "runtime": runtime}
        say(worker, "task-succeeded", runtime, result)
        return life

    def heartbeats(self, at: float, processed: int) -> Iterator[tuple[Node, Event]]:
        software = {"sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux"}
        for worker in self._workers:
            load = {"freq": HEARTBEAT_SECONDS, "active": 4, "loadavg": [1.2, 0.9, 0.7]}
            count = processed // len(self._workers)
            beat = load | {"processed": count} | software
            yield worker, beat | {"timestamp": at, "type": "worker-heartbeat"}


def _message(node: Node, content: Event | list[Event], key: str, events: int) -> Message:
    return Message(key, node.hostname, dumps(content).encode(), events)
