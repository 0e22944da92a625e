"""The heartbeats of the history's workers: how busy they were, minute by minute."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from example_project.demo.history.life import Event, Node, said

EVERY = 60.0
ABOUT = {"freq": 2.0, "sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux"}
_ENDS = frozenset(
    {"task-succeeded", "task-failed", "task-retried", "task-rejected", "task-revoked"}
)


class Hearts:
    """One of two heartbeats a second would do for a week of charts: the first of each minute."""

    def __init__(self, beating: dict[Node, float], start: float, seed: int) -> None:
        # Until when each of them beats.
        self.beating = beating
        self.next = start + EVERY
        # Of its own, so that the tasks are the same with hearts and without.
        self.rng = random.Random(seed)
        self.steps: list[tuple[float, str, int]] = []
        self.active = {node.hostname: 0 for node in beating}
        self.processed = dict(self.active)
        self.load = dict.fromkeys(self.active, 0.3)

    def saw(self, events: Iterable[Event]) -> None:
        """What workers began and ended, in order, after the latest beat."""
        running: dict[str, Event] = {}
        for event in events:
            if event["type"] == "task-started" and event["hostname"] in self.active:
                running[event["uuid"]] = event
                self._note(event, 1)
            elif event["type"] in _ENDS and event["uuid"] in running:
                del running[event["uuid"]]
                self._note(event, -1)
        # Of a process that was killed nothing more is heard, but its worker knows.
        for event in running.values():
            self._note(event, -1)

    def _note(self, event: Event, step: int) -> None:
        heappush(self.steps, (event["timestamp"], event["hostname"], step))

    def until(self, at: float) -> Iterator[Event]:
        while self.next <= at:
            self._step(self.next)
            for node, last in self.beating.items():
                if self.next <= last:
                    yield said("worker-heartbeat", self.next, node, **ABOUT, **self._busy(node))
            self.next += EVERY

    def _step(self, at: float) -> None:
        while self.steps and self.steps[0][0] <= at:
            _time, host, step = heappop(self.steps)
            self.active[host] += step
            self.processed[host] += step > 0

    def _busy(self, node: Node) -> Event:
        host = node.hostname
        wanted = 0.2 + 0.35 * self.active[host] + self.rng.random() * 0.25
        self.load[host] += (wanted - self.load[host]) * 0.4
        load = round(self.load[host], 2)
        return {
            "active": self.active[host],
            "processed": self.processed[host],
            "loadavg": [load, round(load * 0.9, 2), round(load * 0.8, 2)],
        }
