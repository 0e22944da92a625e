"""What was published, noted by itself: how rows have to look, without any code of ours."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from benchmarks.stream import Message, Stream

Identity = tuple[float, int, str, str, int]
# The stream's only secrets.
_TOKEN = re.compile(r"('api_token': )'[0-9a-f]{32}'")
_STATES = {"succeeded": "SUCCESS", "failed": "FAILURE"}
_FROM_SENT = ("name", "args", "queue")
_FROM_END = (("result", ""), ("exception", ""), ("runtime", None))


class Told:
    """The events of one task that was sent, tried once or more, and ended."""

    __slots__ = ("_said", "errors", "events")

    def __init__(self) -> None:
        self.events: set[Identity] = set()
        self.errors: set[tuple[Any, ...]] = set()
        # By column, the logical time at which it was said last, and its value.
        self._said: dict[str, tuple[int, Any]] = {}

    @property
    def row(self) -> dict[str, Any]:
        """The columns of the row, once all its events are there."""
        times = sorted(event[0] for event in self.events)
        row = {column: value for column, (_clock, value) in self._said.items()}
        return row | {"time": times[0], "updated_at": times[-1]}

    def hear(self, event: dict[str, Any]) -> None:
        """In any order."""
        kind = event["type"].removeprefix("task-")
        at, clock, host = event["timestamp"], event["clock"], event["hostname"]
        self.events.add((at, clock, kind, host, event["pid"]))
        if kind == "sent":
            kwargs = _TOKEN.sub(r"\1••••••", event["kwargs"])
            texts = {field: event[field] for field in _FROM_SENT}
            self._say(clock, texts | {"kwargs": kwargs, "sent_at": at})
        elif kind == "received":
            self._say(clock, {"received_at": at, "worker": host, "retries": event["retries"]})
        elif kind == "started":
            self._say(clock, {"started_at": at})
        if kind in _STATES:
            texts = {field: event.get(field, default) for field, default in _FROM_END}
            self._say(clock, texts | {"state": _STATES[kind], "finished_at": at})
        if kind in ("failed", "retried"):
            said = event["exception"], event["traceback"].strip()
            self.errors.add((host, moment(at), kind == "retried", *said))

    def _say(self, clock: int, values: dict[str, Any]) -> None:
        for column, value in values.items():
            if clock >= self._said.get(column, (0, None))[0]:
                self._said[column] = clock, value


class Truth:
    """Messages given to ``noting`` are part of it from when they are published."""

    def __init__(self) -> None:
        self.tasks: dict[str, Told] = {}
        self.workers: set[str] = set()

    @property
    def events(self) -> int:
        return sum(len(told.events) for told in self.tasks.values())

    def totals(self) -> Counter[tuple[str, str]]:
        """How many events by the task's name and by type."""
        found: Counter[tuple[str, str]] = Counter()
        for told in self.tasks.values():
            name = told.row["name"]
            found.update((name, event[2]) for event in told.events)
        return found

    def noting(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The same messages, each noted on its way."""
        for message in messages:
            content = orjson.loads(message.body)
            for event in content if isinstance(content, list) else [content]:
                if event["type"].startswith("worker-"):
                    self.workers.add(event["hostname"])
                else:
                    self.tasks.setdefault(event["uuid"], Told()).hear(event)
            yield message


def recent(stream: Stream) -> Iterator[Message]:
    """The stream's messages, the latest event of which happens just now."""
    rehearsal = Truth()
    deque(rehearsal.noting(stream.messages(0.0)), maxlen=0)
    latest = max(event[0] for told in rehearsal.tasks.values() for event in told.events)
    return stream.messages(time.time() - latest)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
