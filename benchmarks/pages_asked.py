"""Which pages are asked for, at which places of the history, and how long the server takes."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from benchmarks.meter import Meter
from benchmarks.pages_fill import DAYS
from benchmarks.pages_lives import NAMES, QUEUES, WORKERS
from django_celery_monitor.models import Task
from django_celery_monitor.paging import _encode

RIGHTS: Final = ("view_task", "view_task_arguments", "view_worker")
COMMON, RARE = NAMES[0], NAMES[-1]
Params = dict[str, Any]

INDEXED: Final[dict[str, Params]] = {
    "no filter": {},
    "state FAILURE": {"state": "FAILURE"},
    "state failed (2)": {"state": "failed"},
    "state succeeded": {"state": "succeeded"},
    "state waiting (2)": {"state": "waiting"},
    "state running (own)": {"state": "running"},
    "state lost": {"state": "lost"},
    "states failed, retrying": {"state": ["failed", "retrying"]},
    "states succeeded, failed": {"state": ["succeeded", "failed"]},
    "type, common": {"name": COMMON},
    "type, rare": {"name": RARE},
    "type, two": {"name": [COMMON, RARE]},
    "worker": {"worker": WORKERS[3]},
    "queue": {"queue": QUEUES[1]},
    "last 7 days": {"after": "7d"},
    "a day": {"after": "40d", "before": "39d"},
    "failed in 7 days": {"state": "failed", "after": "7d"},
}
OTHERS: Final[dict[str, Params]] = {
    "type shop.orders.*": {"name": "shop.orders.*"},
    "type and state": {"name": COMMON, "state": "failed"},
    "rare type, failed": {"name": RARE, "state": "failed"},
    "type and worker": {"name": COMMON, "worker": WORKERS[3]},
    "worker, lost": {"worker": WORKERS[3], "state": "lost"},
    "queue, retrying": {"queue": QUEUES[1], "state": "retrying"},
    "unknown type": {"name": "shop.nothing"},
    "unknown worker, failed": {"worker": "celery@nowhere", "state": "failed"},
    "text, everywhere": {"q": "nantes"},
    "text, nowhere": {"q": "no such text"},
    "text and type": {"q": "urgent", "name": COMMON},
    "text and state": {"q": "urgent", "state": "failed"},
}
# Pages without a history of their own in their address; one that this release lacks is left out.
WHOLE: Final = ("overview", "workers", "types", "failures", "queues")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One kind of page: ``url`` gives another one of the kind each time; ``goal`` is in ms."""

    page: str
    goal: float
    url: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of server time. ``first``: with nothing remembered; ``queries``: in that.

    ``cpu``: what this process and its database's worked for a page, on average. On a machine with
    nothing else to do the other figures are hardly more.
    """

    page: str
    goal: float
    first: float
    p50: float
    p95: float
    cpu: float
    queries: int
    status: int


def kinds(fast: float, slow: float, seed: int = 2026) -> Iterator[Asked]:
    places = Places(random.Random(seed))
    for url, name in ((reverse("celery_monitor:tasks"), "list"), (_api("tasks"), "API")):
        filters = INDEXED | OTHERS if name == "list" else _few(INDEXED, OTHERS)
        for words, params in filters.items():
            goal = fast if words in INDEXED else slow
            newest = f"{url}?{urlencode(params, doseq=True)}"
            yield Asked(page=f"{name}: {words}", goal=goal, url=partial(str, newest))
            if words == "a day":
                continue
            yield Asked(
                page=f"{name}: {words}, older", goal=goal, url=partial(places.older, newest)
            )
    for field in ("root", "parent", "id"):
        yield Asked(page=f"list: {field}", goal=fast, url=partial(places.related, field))
    yield Asked(page="list: largest family", goal=fast, url=places.largest)
    yield Asked(page="task", goal=fast, url=places.task)
    yield Asked(page="task, failed", goal=fast, url=places.failed)
    yield Asked(page="API: task", goal=fast, url=places.api_task)
    for name in WHOLE:
        try:
            page = reverse(f"celery_monitor:{name}")
        except NoReverseMatch:
            continue
        yield Asked(page=name, goal=fast, url=partial(str, page))
    yield Asked(page="worker", goal=fast, url=partial(_page, "worker", WORKERS[3]))
    yield Asked(page="API: overview", goal=fast, url=partial(_api, "overview"))


def measure(asked: Asked, requests: int, client: Client) -> Timing:
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        first, status = _took(client, asked.url())
        queries = len(captured)
    urls = [asked.url() for _turn in range(requests)]
    before = _worked()
    took = [_took(client, url)[0] for url in urls]
    working = _worked() - before
    took.sort()
    return Timing(
        page=asked.page,
        goal=asked.goal,
        first=first,
        p50=took[len(took) // 2],
        p95=took[min(int(len(took) * 0.95), len(took) - 1)],
        cpu=working / requests * 1000,
        queries=queries,
        status=status,
    )


def _worked() -> float:
    """Seconds of processor time, of this process and of the one that answers its queries."""
    worked = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        worked += Meter(connection.connection.info.backend_pid).cpu()
    return worked


@contextmanager
def at_its_end() -> Iterator[None]:
    """Inside, it is when the database was filled: its last hour is full, however old it is."""
    newest, now = Task.objects.latest("time").time, timezone.now
    ago = now() - newest
    timezone.now = lambda: now() - ago
    try:
        yield
    finally:
        timezone.now = now


def reader() -> Client:
    """Somebody with each right by itself, as most have them."""
    user, _new = User.objects.get_or_create(username="benchmark")
    user.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    client = Client()
    client.force_login(user)
    return client


def _took(client: Client, url: str) -> tuple[float, int]:
    begun = time.perf_counter()
    answer = client.get(url)
    return (time.perf_counter() - begun) * 1000, answer.status_code


class Places:
    """Tasks and pages from all over the history."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        newest, oldest = (
            Task.objects.order_by("-time").first(),
            Task.objects.order_by("time").first(),
        )
        if newest is None or oldest is None:
            raise SystemExit("The database holds no tasks")
        self._oldest, self._span = oldest.time, newest.time - oldest.time

    def older(self, newest: str) -> str:
        """A page somewhere in the midst of a list."""
        return f"{newest}&cursor={_encode('o', self._moment(), 'm')}"

    def task(self) -> str:
        return _page("task", self._some(Task.objects.all()).id)

    def api_task(self) -> str:
        return _api(f"tasks/{self._some(Task.objects.all()).id}")

    def failed(self) -> str:
        return _page("task", self._some(Task.objects.filter(state="FAILURE")).id)

    def related(self, field: str) -> str:
        child = self._some(Task.objects.filter(parent_id__gt=""))
        return f"{reverse('celery_monitor:tasks')}?{field}={child.root_id}"

    def largest(self) -> str:
        return f"{reverse('celery_monitor:tasks')}?root={self._largest}"

    @cached_property
    def _largest(self) -> str:
        """Takes longer than all pages together."""
        middle = self._oldest + self._span / 2
        near = Task.objects.filter(time__gte=middle - self._span / DAYS, parent_id__gt="")
        counted = near.order_by("time").values_list("root_id", flat=True)[:100_000]
        [(root, _members)] = Counter(counted).most_common(1)
        return str(root)

    def _some(self, tasks: Any) -> Task:
        found: Task | None = tasks.filter(time__gte=self._moment()).order_by("time").first()
        return found or tasks.latest("time")

    def _moment(self) -> datetime:
        return self._oldest + timedelta(seconds=self._rng.random() * self._span.total_seconds())


def _few(*filters: dict[str, Params]) -> dict[str, Params]:
    chosen = ("no filter", "state failed (2)", "type, common", "text, nowhere")
    return {words: params for each in filters for words, params in each.items() if words in chosen}


def _page(name: str, key: str) -> str:
    return reverse(f"celery_monitor:{name}", args=(key,))


def _api(path: str) -> str:
    return f"{reverse('celery_monitor:overview')}api/v1/{path}"
