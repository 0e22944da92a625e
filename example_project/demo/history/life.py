"""The events of one task, from its sending to its end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from celery.utils.saferepr import saferepr

from example_project.demo.history.profiles import NOBODY_READS, PROFILES, Fate
from example_project.demo.stories import Call

Event = dict[str, Any]
# As Celery cuts them.
MAX_TEXT = 1024


@dataclass(frozen=True, slots=True)
class Node:
    """A process that sends events: its node name and process id."""

    hostname: str
    pid: int


PUBLISHER = Node("gen812@web-1", 812)


@dataclass(frozen=True, slots=True)
class Ids:
    id: str
    root: str
    parent: str | None = None


class Life:
    """Lives at once: afterwards ``events`` are its events in order, and ``at`` is its end."""

    def __init__(self, call: Call, ids: Ids, at: float, worker: Node, rng: random.Random) -> None:
        self.call, self.ids, self.at, self.worker, self.rng = call, ids, at, worker, rng
        self.profile = PROFILES[call.name]
        self.fate = _fate(call, rng)
        self.events: list[Event] = []
        self._live()

    @property
    def succeeded(self) -> bool:
        return bool(self.events[-1]["type"] == "task-succeeded")

    def _live(self) -> None:
        eta = self.at + self.call.countdown if self.call.countdown else None
        self._publish(0, eta)
        if self.profile.queue == NOBODY_READS:
            return
        self._receive(0, eta)
        if self.fate.end == "taken":
            return
        for attempt in range(1, self.fate.retries + 1):
            self._start()
            self._fail("retried")
            eta = self.at + 2**attempt
            self._publish(attempt, eta)
            self._receive(attempt, eta)
        self._end()

    def _publish(self, retries: int, eta: float | None) -> None:
        queue = self.profile.queue
        where = {"queue": queue, "exchange": "", "routing_key": queue}
        self._say("sent", PUBLISHER, **self._about(retries, eta), **where)

    def _receive(self, retries: int, eta: float | None) -> None:
        self.at += self.rng.lognormvariate(-5.5, 1)
        self._say("received", **self._about(retries, eta))
        self.at = max(self.at, eta or 0) + self.rng.lognormvariate(-6, 1.2)

    def _about(self, retries: int, eta: float | None) -> Event:
        call, sent = self.call, self.events[0]["timestamp"] if self.events else self.at
        return {
            "name": call.name,
            "args": saferepr(call.args, MAX_TEXT),
            "kwargs": saferepr(call.kwargs, MAX_TEXT),
            "root_id": self.ids.root,
            "parent_id": self.ids.parent,
            "retries": retries,
            "eta": _iso(eta) if eta else None,
            "expires": _iso(sent + call.expires) if call.expires else None,
        }

    def _start(self) -> None:
        self._say("started")

    def _fail(self, ending: str) -> None:
        error = self.fate.error
        if error is None:
            raise ValueError(f"{self.call.name}: a task cannot have {ending} without an error.")
        self.at += error.after or self._runtime()
        self._say(ending, exception=error.exception, traceback=error.traceback)

    def _end(self) -> None:
        match self.fate.end:
            case "revoked" | "expired" as end:
                self._say("revoked", terminated=False, signum=None, expired=end == "expired")
            case "started":
                self._start()
            case "failed":
                self._start()
                self._fail("failed")
            case "terminated":
                self._start()
                self.at += self._runtime() / 2
                self._say("revoked", terminated=True, signum="15", expired=False)
            case "rejected":
                self._start()
                self.at += self._runtime()
                self._say("rejected", requeue=False)
            case _:
                self._start()
                self._succeed()

    def _succeed(self) -> None:
        runtime = self._runtime()
        self.at += runtime
        self._say("succeeded", result=self.profile.result.format(*self.call.args), runtime=runtime)

    def _runtime(self) -> float:
        return self.rng.lognormvariate(0, self.profile.spread) * self.profile.runtime

    def _say(self, what: str, node: Node | None = None, **own: Any) -> None:
        self.events.append(
            said(f"task-{what}", self.at, node or self.worker, uuid=self.ids.id, **own)
        )


def said(kind: str, at: float, node: Node, **own: Any) -> Event:
    """An event as it goes over the wire."""
    # The logical clock must only grow with time, so time itself will do.
    clock = int(at * 1000) % 10**9
    common = {"type": kind, "hostname": node.hostname, "pid": node.pid, "timestamp": at}
    return {**common, "utcoffset": 0, "clock": clock, **own}


def _fate(call: Call, rng: random.Random) -> Fate:
    if call.revoke_after is not None:
        return Fate("revoked")
    if call.expires is not None:
        return Fate("expired")
    luck = rng.random()
    for probability, fate in PROFILES[call.name].fates:
        if luck < probability:
            return fate
        luck -= probability
    return Fate()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
