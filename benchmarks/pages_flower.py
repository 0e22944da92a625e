"""How long Flower takes for its list of tasks, once it holds as many as asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlencode
from urllib.request import urlopen

from benchmarks.meter import Meter
from benchmarks.places import redis_database
from benchmarks.publish import Publisher
from benchmarks.stream import Message, Stream
from benchmarks.subjects.flower import Flower

ROUND: Final = 10_000
# As Flower's own page asks, for the newest by the time they were received.
_TABLE: Final = {
    "draw": 1,
    "start": 0,
    "length": 50,
    "order[0][column]": 7,
    "order[0][dir]": "desc",
    "columns[7][data]": "received",
    "search[value]": "",
}
PAGES: Final = {
    "/tasks/datatable, newest": f"/tasks/datatable?{urlencode(_TABLE)}",
    "/tasks/datatable, older": f"/tasks/datatable?{urlencode(_TABLE | {'start': 100_000})}",
    "/tasks/datatable, text": f"/tasks/datatable?{urlencode(_TABLE | {'search[value]': 'nantes'})}",
    "/api/tasks, newest": "/api/tasks?limit=50&sort_by=-received",
    "/api/tasks, one type": "/api/tasks?limit=50&taskname=shop.orders.tasks.place",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Milliseconds over HTTP; ``cpu``: of them, Flower's own work, on average.

    ``memory``: the most that it held, in bytes.
    """

    page: str
    tasks: int
    p50: float
    p95: float
    cpu: float
    memory: int


class LargeFlower(Flower):
    """Keeps so many tasks, where its default is 100,000; answers its API to everybody."""

    tasks = 0

    def command(self) -> list[str]:
        return [*super().command(), f"--max-tasks={self.tasks}"]

    @contextmanager
    def prepared(self) -> Iterator[Mapping[str, str]]:
        # Celery would set our Django project up, of which Flower's environment knows nothing.
        yield {"FLOWER_UNAUTHENTICATED_API": "true", "DJANGO_SETTINGS_MODULE": ""}

    def took(self, path: str) -> float:
        begun = time.perf_counter()
        with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=120) as answer:
            answer.read()
        return (time.perf_counter() - begun) * 1000


def measure(tasks: int, requests: int, timeout: float = 1800) -> list[Answer]:
    with TemporaryDirectory(prefix="celery-monitor-flower-") as folder, redis_database() as url:
        work = Path(folder, "work")
        work.mkdir()
        flower = LargeFlower(url, work)
        flower.tasks = tasks
        with flower.running():
            meter, deadline = Meter(flower.pid), time.monotonic() + timeout
            _feed(url, tasks, meter, deadline)
            return [_asked(flower, page, tasks, requests, meter) for page in PAGES]


def _feed(url: str, tasks: int, meter: Meter, deadline: float) -> None:
    waiting: list[Message] = []
    with Publisher(url) as publisher:
        for message in Stream(events=tasks * 4).messages(time.time()):
            waiting.append(message)
            if len(waiting) * 10 >= ROUND:
                publisher.send(waiting)
                waiting = []
                meter.wait_until_idle(deadline)
        publisher.send(waiting)
        meter.wait_until_idle(deadline, 2.0)


def _asked(flower: LargeFlower, page: str, tasks: int, requests: int, meter: Meter) -> Answer:
    flower.took(PAGES[page])
    before = meter.cpu()
    took = sorted(flower.took(PAGES[page]) for _turn in range(requests))
    return Answer(
        page=page,
        tasks=tasks,
        p50=took[len(took) // 2],
        p95=took[min(int(len(took) * 0.95), len(took) - 1)],
        cpu=(meter.cpu() - before) / requests * 1000,
        memory=meter.peak_memory(),
    )
