"""A stream of events at an even pace, with the moment at which each was published."""

from __future__ import annotations

import json
import threading
import time

from benchmarks.drain import rounds
from benchmarks.publish import Publisher
from benchmarks.stream import Stream

# So often a second, the events that are due are published.
TURNS = 50


class Steady(threading.Thread):
    """Publishes so many events a second until told to stop.

    ``at``: of each task, when its events were published. Hundreds of other tasks begin between two
    events of one, so that they are seconds apart.
    """

    def __init__(self, broker_url: str, rate: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self._url, self._rate, self._seconds = broker_url, rate, seconds
        self.at: dict[str, list[float]] = {}
        self.events = 0
        self.late = 0.0

    def run(self) -> None:
        stream = Stream(events=int(self._rate * self._seconds), interleave=self._rate)
        begun = time.monotonic()
        with Publisher(self._url) as publisher:
            for messages in rounds(stream.messages(time.time()), self._rate // TURNS):
                due = begun + self.events / self._rate
                time.sleep(max(due - time.monotonic(), 0.0))
                self.late = max(self.late, time.monotonic() - due)
                now = time.monotonic()
                publisher.send(messages)
                for message in messages:
                    self.events += message.events
                    for task_id in _ids(message.body) if message.events else ():
                        self.at.setdefault(task_id, []).append(now)


def _ids(body: bytes) -> list[str]:
    events = json.loads(body)
    return [event["uuid"] for event in events]
