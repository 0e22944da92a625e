"""Fills a database with what collectors would have stored in 90 days, but faster than they do."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, connections, models, transaction
from django.utils import timezone

from benchmarks.pages_lives import ALONE, OPEN, WORKERS, Family, Life, Lives, Row
from django_celery_monitor.models import (
    CollectorRun,
    Installation,
    Task,
    TaskCount,
    TaskError,
    TaskStats,
    TaskTotals,
    Worker,
    WorkerSample,
)
from django_celery_monitor.state.contributions import Cohort
from django_celery_monitor.state.totals import KINDS, Totals, count
from django_celery_monitor.storage import cohorts
from django_celery_monitor.storage.bulk import _copy_types
from django_celery_monitor.storage.errors import _COLUMNS as ERROR_COLUMNS
from django_celery_monitor.storage.flows import PERIODS, SUMS, Sums, _row
from django_celery_monitor.storage.rows import COLUMNS, moment

DAYS: Final = 90
CHUNK: Final = 20_000
HOUR: Final = timedelta(hours=1)
# How busy each hour of a day is.
BUSY: Final = tuple(10 + 2 * min(hour, 24 - hour) for hour in range(24))
# Of the tasks; each family is a root and its children.
FAMILIES: Final = 0.02
CHILDREN: Final = 5
# One family is as large as a map over a shop's goods.
LARGEST: Final = 20_000
# Tasks that have not ended yet; of them, such as lie since long in a queue that nobody reads.
UNFINISHED: Final = 2_000
STUCK: Final = 200


class Fill:
    """So many tasks that end now; the same each time, but for the time."""

    def __init__(self, tasks: int, now: datetime | None = None, seed: int = 2026) -> None:
        now = now or timezone.now()
        self.tasks = tasks
        self.until = now.replace(minute=0, second=0, microsecond=0) + HOUR
        self.now = now
        self._rng = random.Random(seed)
        self._lives = Lives(seed)
        self._made = 0
        self._errors: list[Row] = []
        self._counts: Counter[Cohort] = Counter()
        # How often each of the ended lives was lived, at all and in a period.
        self._ended: Counter[int] = Counter()
        self._by_period: Counter[tuple[str, datetime, int]] = Counter()
        self._minutes_since = now - timedelta(days=3)

    def rows(self) -> Iterator[list[Row]]:
        """The tasks in chunks, oldest first."""
        chunk: list[Row] = []
        for start, number in self._hours():
            lives = Counter[tuple[datetime, int]]()
            for row in self._hour(start, number, lives):
                chunk.append(row)
                if len(chunk) == CHUNK:
                    yield chunk
                    chunk = []
            self._count(lives)
        yield chunk

    def _hours(self) -> Iterator[tuple[datetime, int]]:
        first = self.until - timedelta(days=DAYS)
        hours = [first + index * HOUR for index in range(DAYS * 24)]
        weights: list[float] = [BUSY[hour.hour] for hour in hours]
        weights[-1] = weights[-1] * ((self.now - hours[-1]) / HOUR)
        total, before, done = sum(weights), 0, 0.0
        for hour, weight in zip(hours, weights, strict=True):
            done += weight
            until = round(self.tasks * done / total)
            yield hour, until - before
            before = until

    def _hour(
        self, start: datetime, number: int, lives: Counter[tuple[datetime, int]]
    ) -> Iterator[Row]:
        rng, ended = self._rng, self._lives.ended
        span = min(HOUR, self.now - start) / timedelta(microseconds=1)
        family, members = ALONE, 0
        chosen = rng.choices(range(len(ended)), k=number)
        for place, index in enumerate(chosen):
            time = start + timedelta(microseconds=int((place + rng.random()) / number * span))
            task_id = _uuid(rng.getrandbits(128))
            life = self._life(ended[index])
            yield life.at(task_id, time, str(1_000_000 + self._made), family)
            self._errors += life.errors(task_id, time)
            self._made += 1
            minute = time.replace(second=0, microsecond=0)
            seconds = int(minute.timestamp())
            self._counts[Cohort(seconds, life.facts.name, life.facts.state)] += 1
            if life is ended[index]:
                lives[minute if time > self._minutes_since else start, index] += 1
            members -= 1
            if members <= 0:
                family, members = self._family(task_id)

    def _life(self, ended: Life) -> Life:
        left = self.tasks - self._made
        stuck = self._made % max(self.tasks // STUCK, 1) == 7
        if left > UNFINISHED and not stuck:
            return ended
        fate = "sent" if stuck else self._rng.choice(OPEN)
        return self._rng.choice(self._lives.open[fate])

    def _family(self, task_id: str) -> tuple[Family, int]:
        """What the next tasks belong to, and how many of them."""
        if self._made >= self.tasks // 2 and not getattr(self, "_largest", False):
            self._largest = True
            return Family(task_id, task_id), min(LARGEST, self.tasks // 20)
        if self._rng.random() < FAMILIES:
            return Family(task_id, task_id), CHILDREN
        return ALONE, 0

    def _count(self, lives: Counter[tuple[datetime, int]]) -> None:
        for (time, index), number in lives.items():
            self._ended[index] += number
            for period, seconds in PERIODS.items():
                start = datetime.fromtimestamp(time.timestamp() // seconds * seconds, UTC)
                if start != time and period == TaskStats.Period.MINUTE:
                    continue
                self._by_period[period, start, index] += number

    def _sums(self) -> dict[tuple[str, str, datetime, str], Sums]:
        found: dict[tuple[str, str, datetime, str], Sums] = {}
        for (period, start, index), number in self._by_period.items():
            for flow in self._lives.ended[index].flows:
                for grain, label in zip("nwq", flow[1:4], strict=True):
                    key = (period, grain, start, label)
                    sums = found.get(key)
                    if sums is None:
                        sums = found[key] = Sums()
                    sums.count(flow, number)
        return found

    def _totals(self) -> Totals:
        found: Totals = {}
        for index, number in self._ended.items():
            life, totals = self._lives.ended[index], Totals()
            count(life.events, life.facts.name, totals)
            for key, numbers in totals.items():
                sums = found.setdefault(key, [0] * len(KINDS))
                found[key] = [a + b * number for a, b in zip(sums, numbers, strict=True)]
        return found

    def _cohorts(self) -> Iterator[Row]:
        found: Counter[cohorts.Key] = Counter()
        for cohort, number in self._counts.items():
            for key in cohorts.keys(cohort):
                found[key] += number
        for key, number in found.items():
            yield key.period, moment(key.start), key.name, key.state, number

    def errors(self) -> list[Row]:
        """Those of the rows so far, each given once."""
        found, self._errors = self._errors, []
        return found

    def counts(self) -> Iterator[tuple[type[models.Model], tuple[str, ...], Iterable[Row]]]:
        """What has been counted of all rows."""
        columns = ("period", "start", "name", "state", "count")
        yield TaskCount, columns, self._cohorts()
        sums = ("period", "grain", "start", "label", *SUMS, "runtime_bins", "wait_bins")
        yield TaskStats, sums, ((*each, *_row(total)) for each, total in self._sums().items())
        totals = ((*each, *numbers) for each, numbers in self._totals().items())
        yield TaskTotals, ("grain", "name", "label", *KINDS), totals


def _uuid(number: int) -> str:
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def fill(tasks: int, say: Callable[[str], None]) -> None:
    """Store ``tasks`` and all that belongs to them in an empty database; ``say``: progress."""
    filling, stored = Fill(tasks), 0
    with without_indexes(say), transaction.atomic():
        for rows in filling.rows():
            insert(Task, COLUMNS, rows)
            insert(TaskError, ERROR_COLUMNS, filling.errors())
            stored += len(rows)
            say(f"{stored:,} of {tasks:,} tasks")
        for model, columns, counted in filling.counts():
            insert(model, columns, counted)
        around(filling.now)
    say("analyzing")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


@contextmanager
def without_indexes(say: Callable[[str], None]) -> Iterator[None]:
    """Made afterwards, all at once, they cost a tenth."""
    table = connection.ops.quote_name(Task._meta.db_table)
    key = connection.ops.quote_name(f"{Task._meta.db_table}_pkey")
    indexes, on_postgresql = list(Task._meta.indexes), connection.vendor == "postgresql"
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(Task, index)
        if on_postgresql:
            editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}")
    yield
    with connection.schema_editor() as editor:
        if on_postgresql:
            editor.execute("SET LOCAL maintenance_work_mem = '1GB'")
            editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {key} PRIMARY KEY (id)")
        for index in indexes:
            say(f"index {index.name}")
            editor.add_index(Task, index)


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Row], using: str = "default"
) -> None:
    """New rows, as fast as the database takes them; inside a transaction."""
    connection = connections[using]
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    if connection.vendor != "postgresql":
        marks = ", ".join(["?"] * len(columns))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        connection.connection.executemany(statement, map(_adapted, rows))
        return
    copying = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        copy.set_types(_copy_types(connection, model, columns))
        for row in rows:
            copy.write_row(row)


def _adapted(row: Row) -> list[Any]:
    return [
        each.replace(tzinfo=None).isoformat(" ") if isinstance(each, datetime) else each
        for each in row
    ]


def around(now: datetime) -> None:
    """Workers and a collector that are still heard for as long as anybody measures."""
    later = now + timedelta(days=1)
    heard = {"arrived_at": later, "heartbeat_at": later, "event_at": later, "online_at": now}
    load = {"freq": 2.0, "active": 4, "processed": 1_000_000, "loadavg": [1.2, 0.9, 0.7]}
    for host in WORKERS:
        Worker.objects.create(hostname=host, first_seen_at=now, **heard, **load)
    minutes = [now.replace(second=0, microsecond=0) - timedelta(minutes=n) for n in range(1440)]
    WorkerSample.objects.bulk_create(
        WorkerSample(worker=host, minute=minute, event_at=minute, active=4, processed=1, load=1.2)
        for host in WORKERS
        for minute in minutes
    )
    run = {"started_at": now - timedelta(days=DAYS), "last_seen_at": later, "committed_at": now}
    CollectorRun.objects.create(node="benchmark", pid=1, transport="redis", lag=0.2, **run)
    Installation.objects.update_or_create(pk=1, defaults={"writes": 1})
