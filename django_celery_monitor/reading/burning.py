"""What asks for attention in a window: types that fail, queues that let tasks wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading.growth import Flow, flows
from django_celery_monitor.reading.series import ENDED, MEASURES, Reading
from django_celery_monitor.reading.series_rows import Grain, Table, merged
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.states import GROUPS
from django_celery_monitor.walks import Span, Way

SHOWN: Final = 6
# So many of what waits longest, or failed last, are looked at.
LOOKED_AT: Final = 1000
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A type with its failures; ``before``: in the stretch before, ``None`` if nobody knows."""

    name: str
    failed: int
    ended: int
    before: int | None

    @property
    def share(self) -> float:
        return self.failed / max(self.ended, 1)

    @property
    def change(self) -> int | None:
        return None if self.before is None else self.failed - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Delayed:
    """A queue: what waits in it now, and how long its tasks waited (95 %), in seconds.

    ``at_least``: more wait than were looked at. ``flow``: ``None`` if nobody knows what came and
    went.
    """

    queue: str
    waiting: int
    at_least: bool
    oldest: datetime | None
    flow: Flow | None
    wait: float | None
    before: float | None

    def delay(self, now: datetime) -> float:
        oldest = (now - self.oldest).total_seconds() if self.oldest else 0.0
        return max(oldest, self.wait or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Different errors; ``at_least``: there were more failures than were looked at."""

    count: int
    at_least: bool


@dataclass(frozen=True, slots=True)
class _Place:
    number: int = 0
    oldest: datetime | None = None

    def with_more(self, since: datetime) -> _Place:
        return _Place(self.number + 1, min(since, self.oldest or since))


_NOBODY: Final = _Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """What waits, by queue; ``at_least``: more wait than were looked at."""

    queues: dict[str, _Place]
    at_least: bool

    def of(self, queue: str) -> _Place:
        return self.queues.get(queue, _NOBODY)


def failing(reading: Reading) -> list[Failing]:
    """The types with most failures, most first."""
    columns, _sketch = MEASURES["failures"]
    top = reading.top(Grain.NAME, columns)
    names = top[:SHOWN]
    # The same question as that of the chart of failures by type.
    counts = merged(reading.labels(Grain.NAME, [*top, OTHER]))
    known = reading.knows_before
    earlier = merged(reading.before.labels(Grain.NAME, names)) if known else {}
    return [
        Failing(
            name=name,
            failed=counts[name].sum(columns),
            ended=counts[name].sum(ENDED),
            before=(earlier[name].sum(columns) if name in earlier else 0) if known else None,
        )
        for name in names
        if name in counts
    ]


def delayed(reading: Reading) -> list[Delayed]:
    """The queues whose tasks wait longest, longest first."""
    now = reading.now
    counts = _waits(reading.by_queue)
    earlier = _waits(reading.before.by_queue) if reading.knows_before else {}
    waiting = _waiting(reading)
    lately = flows(reading.user, now, reading.coverage.heard, reading.coverage)
    found = [
        Delayed(
            queue=queue,
            waiting=waiting.of(queue).number,
            at_least=waiting.at_least,
            oldest=waiting.of(queue).oldest,
            flow=lately.get(queue),
            wait=counts.get(queue),
            before=earlier.get(queue),
        )
        for queue in {*counts, *waiting.queues}
    ]
    found = [each for each in found if each.waiting or each.wait is not None]
    return sorted(found, key=lambda each: (-each.delay(now), each.queue))[:SHOWN]


def kinds(reading: Reading) -> Kinds:
    """How many different errors the failures of the last hour were."""
    rows = TaskError.objects.filter(
        time__gte=reading.now - HOUR, retry=False, duplicate=False
    ).order_by("-time")
    rows = get_policy().visible(reading.user, rows)
    found = list(rows.values_list("fingerprint", flat=True)[:LOOKED_AT])
    return Kinds(count=len(set(found)), at_least=len(found) == LOOKED_AT)


def _waits(table: Table) -> dict[str, float | None]:
    return {queue: figures.quantile("wait_bins", 0.95) for queue, figures in merged(table).items()}


def _waiting(reading: Reading) -> _Waiting:
    """Who waits for a time that was set is not late."""
    tasks = get_policy().visible(reading.user, Task.objects.all())
    found: dict[str, _Place] = {}
    at_least = False
    # One question for each state: of several at once, a planner may walk through all of history.
    for state in GROUPS["waiting"]:
        oldest = Way("state", state).along(tasks, Span(), "time")
        looked_at = list(oldest.values_list("queue", "time", "eta")[:LOOKED_AT])
        at_least = at_least or len(looked_at) == LOOKED_AT
        for queue, time, eta in looked_at:
            if eta is None or eta <= reading.now:
                found[queue] = found.get(queue, _NOBODY).with_more(max(time, eta or time))
    return _Waiting(queues=found, at_least=at_least)
