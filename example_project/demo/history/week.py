"""The events of all tasks and workers up to a moment, batch by batch."""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import orjson

from example_project.demo.goods import Goods
from example_project.demo.history.hearts import ABOUT, Hearts
from example_project.demo.history.life import PUBLISHER, Event, Ids, Life, Node, said
from example_project.demo.history.profiles import BATCH_QUEUES, PROFILES
from example_project.demo.rhythm import DAY, stories_per_minute, wave
from example_project.demo.stories import Call, Story, tell

WEB = Node("celery@web-1", 401)
BATCH = Node("celery@batch-1", 402)
# Shut down when the history has two days left, and never seen again.
RETIRED = Node("celery@batch-2", 403)
RETIRED_FOR = 2 * DAY
EVENTS_PER_BATCH = 8_000
# A worker sends at most so many events in one message.
EVENTS_PER_MESSAGE = 24
SEED = 20_09


class Week:
    """The same events whenever it is asked for the same ``until`` (epoch seconds) and ``days``."""

    def __init__(self, until: float, days: float) -> None:
        self.until, self.start = until, until - days * DAY
        self.rng = random.Random(SEED)
        self.goods = Goods(self.rng)
        beating = {WEB: until, BATCH: until, RETIRED: until - RETIRED_FOR}
        self.hearts = Hearts(beating, self.start, SEED)

    def batches(self) -> Iterator[tuple[float, list[bytes]]]:
        """Messages to store together, and the time by which they had arrived."""
        pending: list[Event] = []
        workers = deque(self._workers())
        at = self.start
        while at < self.until:
            while workers and workers[0]["timestamp"] <= at:
                pending.append(workers.popleft())
            pending += self.hearts.until(at)
            events = self._story(tell(self.goods), at)
            # What would end after the history belongs to the running shop.
            if events[-1]["timestamp"] < self.until:
                pending += events
                self.hearts.saw(events)
            if len(pending) >= EVENTS_PER_BATCH:
                yield at, messages(pending)
                pending = []
            pace = stories_per_minute(at, self.until) * wave(at) / 60
            at += self.rng.expovariate(pace)
        pending += self.hearts.until(self.until)
        yield self.until, messages(pending)

    def _story(self, story: Story, at: float) -> list[Event]:
        match story.shape:
            case "chain":
                return self._chain(story.calls, at)
            case "chord":
                return self._chord(story.calls, at)
            case _:
                lives = [self._alone(call, at) for call in story.calls]
                return _in_order(lives)

    def _chain(self, calls: tuple[Call, ...], at: float) -> list[Event]:
        """Each task is sent by the one before, its parent; all have the first as their root."""
        lives = [self._alone(calls[0], at)]
        for call in calls[1:]:
            if not lives[-1].succeeded:
                break
            ids = Ids(self._id(), lives[0].ids.id, lives[-1].ids.id)
            lives.append(self._live(call, ids, lives[-1].at))
        return _in_order(lives)

    def _chord(self, calls: tuple[Call, ...], at: float) -> list[Event]:
        """Header tasks know nothing of each other; the body's parent is the last to finish."""
        header = [self._alone(call, at) for call in calls[:-1]]
        if all(life.succeeded for life in header):
            last = max(header, key=lambda life: life.at)
            body = Ids(self._id(), last.ids.id, last.ids.id)
            header.append(self._live(calls[-1], body, last.at))
        return _in_order(header)

    def _alone(self, call: Call, at: float) -> Life:
        task_id = self._id()
        return self._live(call, Ids(task_id, task_id), at)

    def _live(self, call: Call, ids: Ids, at: float) -> Life:
        return Life(call, ids, at, self._worker(call.name, at), self.rng)

    def _worker(self, name: str, at: float) -> Node:
        if PROFILES[name].queue not in BATCH_QUEUES:
            return WEB
        retired = at > self.until - RETIRED_FOR
        return BATCH if retired or self.rng.random() < 0.6 else RETIRED

    def _id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _workers(self) -> list[Event]:
        """All come online when the history begins; the retired one leaves in time."""
        idle = {"active": 0, "processed": 0, "loadavg": [0.42, 0.37, 0.31]}
        online = [
            said("worker-online", self.start, node, **ABOUT, **idle)
            for node in (WEB, BATCH, RETIRED)
        ]
        left = max(self.start, self.until - RETIRED_FOR)
        return [*online, said("worker-offline", left, RETIRED, **ABOUT, **idle)]


def _in_order(lives: list[Life]) -> list[Event]:
    events = (event for life in lives for event in life.events)
    return sorted(events, key=itemgetter("timestamp"))


def messages(events: list[Event]) -> list[bytes]:
    """As on the wire: workers send lists of task events, publishers and heartbeats single ones."""
    bodies = []
    for (host, group), sent in groupby(sorted(events, key=_sender), key=_sender_and_group):
        together = list(sent)
        size = 1 if host == PUBLISHER.hostname or group == "worker" else EVENTS_PER_MESSAGE
        for first in range(0, len(together), size):
            part = together[first : first + size]
            bodies.append(orjson.dumps(part[0] if size == 1 else part))
    return bodies


def _sender(event: Event) -> tuple[str, str, float]:
    return *_sender_and_group(event), event["timestamp"]


def _sender_and_group(event: Event) -> tuple[str, str]:
    return event["hostname"], event["type"].partition("-")[0]
