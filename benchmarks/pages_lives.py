"""Lives of tasks to be stored many times over: what is derived of one is moved in time."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple

from benchmarks.texts import Texts, task_names
from django_celery_monitor.events import SETTLED, TaskEvent
from django_celery_monitor.state.contributions import Flow, flows
from django_celery_monitor.state.derive import Facts, derive
from django_celery_monitor.state.errors import error_key, error_type, fingerprint
from django_celery_monitor.state.runs import ERROR_TYPES
from django_celery_monitor.storage.rows import COLUMNS, moment, task_row
from django_celery_monitor.storage.task_events import encode

BASE: Final = 1_700_000_000
WORKERS: Final = tuple(f"celery@worker-{number}" for number in range(8))
QUEUES: Final = ("default", "mail", "images", "search", "reports", "payments")
CLIENT: Final = "gen4711@web-1"
NAMES: Final = tuple(task_names(40))
# Of a second, in which ``storage.task_events`` counts.
UNITS: Final = 10**7
# Stands in a template's texts where each task has a number of its own.
NUMBER: Final = "8888888888"
# Of a thousand tasks that have ended.
FATES: Final = {"failed": 30, "retried": 20, "revoked": 5, "rejected": 2, "lost": 1}
OPEN: Final = ("sent", "received", "started", "progress")
_TIMES: Final = tuple(range(COLUMNS.index("time"), COLUMNS.index("expires") + 1))
_TEXTS: Final = tuple(COLUMNS.index(each) for each in ("args", "result", "search"))
_ROOT, _PARENT, _EVENTS = (COLUMNS.index(each) for each in ("root_id", "parent_id", "events"))

Row = tuple[Any, ...]


class Family(NamedTuple):
    root: str
    parent: str


ALONE: Final = Family("", "")


@dataclass(frozen=True, slots=True)
class Life:
    """A template: rows of real tasks are made of it by moving its times and giving it an id."""

    events: list[TaskEvent]
    facts: Facts
    row: Row
    flows: list[Flow]

    @classmethod
    def of(cls, events: list[TaskEvent]) -> Life:
        facts = derive(events)
        return cls(events, facts, tuple(task_row("", facts, encode(events, facts))), flows(facts))

    def at(self, task_id: str, start: datetime, number: str, family: Family) -> Row:
        """The row of a task that begins then."""
        row = list(self.row)
        shift = start - row[_TIMES[0]]
        for place in _TIMES:
            if row[place] is not None:
                row[place] += shift
        for place in _TEXTS:
            row[place] = row[place].replace(NUMBER, number)
        row[0], row[_ROOT], row[_PARENT] = task_id, family.root, family.parent
        row[_EVENTS] = f"[[{_ticks(start)},{row[_EVENTS].partition(',')[2]}"
        return tuple(row)

    def errors(self, task_id: str, start: datetime) -> Iterator[Row]:
        """Its rows of ``TaskError``."""
        shift = _ticks(start) - BASE * UNITS
        for event in self.events:
            if event.type in ERROR_TYPES:
                time = (round(event.timestamp * UNITS) + shift) / UNITS
                yield _error(task_id, self.facts.name, event._replace(timestamp=time))


def _ticks(time: datetime) -> int:
    return (time - moment(0)) // timedelta(microseconds=1) * 10


def _error(task_id: str, name: str, event: TaskEvent) -> Row:
    exception, traceback = event.data["exception"], event.data["traceback"]
    retry, time = event.type == "retried", moment(event.timestamp)
    about = (time, retry, False, error_type(exception), exception, traceback)
    kind = fingerprint(exception, traceback)
    return (task_id, error_key(event), name, event.hostname, *about, kind)


class Lives:
    """Templates, of which a few names have most, as in life; ``one`` of them by chance."""

    def __init__(self, seed: int = 2026, variations: int = 500) -> None:
        self._rng = random.Random(seed)
        self._texts = Texts(self._rng)
        weights = [1 / (place + 1) for place in range(len(NAMES))]
        self._fates = list(accumulate(FATES.values()))
        names = self._rng.choices(NAMES, weights, k=variations)
        self.ended = [self._ended(number, name) for number, name in enumerate([*NAMES, *names])]
        self.open = {
            fate: [self._made(number, name, fate) for number, name in enumerate(NAMES)]
            for fate in OPEN
        }

    def _ended(self, number: int, name: str) -> Life:
        place = bisect(self._fates, self._rng.random() * 1000)
        fate = [*FATES, "succeeded"][place]
        return self._made(number, name, fate)

    def _made(self, number: int, name: str, fate: str) -> Life:
        rng, at = self._rng, float(BASE)
        worker, events = rng.choice(WORKERS), list[TaskEvent]()
        queue = QUEUES[NAMES.index(name) % len(QUEUES)]
        texts = self._texts.arguments(number)
        texts["args"] = texts["args"].replace(str(184_000 + number), NUMBER, 1)
        about: dict[str, Any] = {"name": name, **texts}

        def say(kind: str, after: float, host: str = worker, **data: Any) -> None:
            nonlocal at
            at = round(at + after, 6)
            pid = 4711 if host == CLIENT else 100
            events.append(TaskEvent(at, len(events) + number, kind, host, pid, data))

        say("sent", 0.0, CLIENT, **about, queue=queue)
        if fate != "sent":
            say("received", rng.lognormvariate(-5, 1) + 1e-6, **about)
        if fate not in ("sent", "received", "revoked"):
            say("started", rng.lognormvariate(-4, 1) + 1e-6)
        runtime = rng.lognormvariate(-2, 1) + 1e-6
        if fate == "retried":
            say("retried", runtime, **self._texts.error(name))
            say("received", 0.5, **about, retries=1)
            say("started", 2.0)
        self._end(fate, runtime, number, name, say)
        return Life.of(events)

    def _end(self, fate: str, runtime: float, number: int, name: str, say: Any) -> None:
        if fate in ("succeeded", "retried"):
            result = self._texts.result(number)
            say("succeeded", runtime, result=result, runtime=round(runtime, 6))
        elif fate == "failed":
            say("failed", runtime, **self._texts.error(name))
        elif fate == "lost":
            say(SETTLED, 600.0, state="LOST", source="worker lost")
        elif fate in ("revoked", "rejected", "progress"):
            say(fate, runtime)
