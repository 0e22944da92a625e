"""How the runs before this one went, of the same type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

import orjson

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Task, TaskStats
from django_celery_monitor.reading.family import NARROW
from django_celery_monitor.state.sketch import merge, quantile
from django_celery_monitor.state.states import group
from django_celery_monitor.walks import Span, Way

SHOWN: Final = 60
# The height of a bar's drawing, and of the least that is to be seen.
HEIGHT: Final = 56.0
LEAST: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One run; ``wait_y`` to the foot is the whole, ``run_y`` to the foot the running of it."""

    task: Task
    wait: float | None
    run: float | None
    wait_y: str
    wait_height: str
    run_y: str
    run_height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """``p95`` is of wait and run together, among those shown, in seconds; ``line`` its height."""

    bars: list[Bar]
    p95: float | None
    line: str
    failed: int
    older: str
    newer: str


def siblings(user: User, task: Task) -> Siblings:
    """The last tasks of this type up to this one, oldest first, and the one after it."""
    tasks = get_policy().visible(user, Task.objects.only(*NARROW))
    same = Way("name", task.name)
    rows = list(same.along(tasks, Span(last=task.time), "-time", "-id")[:SHOWN])
    if task.id not in {row.id for row in rows}:
        # Many of one moment.
        rows = [task, *rows[: SHOWN - 1]]
    after = tasks.filter(time__gt=task.time)
    later = same.along(after, Span(first=task.time), "time", "id").first()
    here = next(place for place, row in enumerate(rows) if row.id == task.id)
    rows = rows[here:]
    totals = [_total(row) for row in rows]
    known = sorted(total for total in totals if total is not None)
    p95 = known[ceil(0.95 * len(known)) - 1] if known else None
    top = max(known, default=0.0) or 1.0
    return Siblings(
        bars=[_bar(row, top) for row in reversed(rows)],
        p95=p95,
        line=_number(HEIGHT - _height(p95, top)) if p95 is not None else "",
        failed=sum(group(row.state) == "failed" for row in rows),
        older=rows[1].id if len(rows) > 1 else "",
        newer=later.id if later else "",
    )


def usual_wait(user: User, task: Task, now: datetime) -> float | None:
    """The median wait of this type over the last day, in seconds."""
    rows = TaskStats.objects.filter(
        period=TaskStats.Period.HOUR,
        grain=TaskStats.Grain.NAME,
        label=task.name,
        start__gte=now - timedelta(days=1),
    )
    bins = get_policy().visible(user, rows).values_list("wait_bins", flat=True)
    sketches = [orjson.loads(text or "{}") for text in bins]
    return quantile(merge({int(k): n for k, n in each.items()} for each in sketches), 0.5)


def _bar(task: Task, top: float) -> Bar:
    wait, run = _seconds(task.wait), _seconds(task.duration)
    run_height = _height(run, top)
    wait_height = _height(wait, top) if wait else 0.0
    if run is None and not wait:
        run_height = LEAST
    return Bar(
        task=task,
        wait=wait,
        run=run,
        wait_y=_number(HEIGHT - run_height - wait_height),
        wait_height=_number(wait_height),
        run_y=_number(HEIGHT - run_height),
        run_height=_number(run_height),
    )


def _total(task: Task) -> float | None:
    wait, run = _seconds(task.wait), _seconds(task.duration)
    return None if run is None else run + (wait or 0.0)


def _height(seconds: float | None, top: float) -> float:
    if seconds is None:
        return 0.0
    return max(LEAST, (HEIGHT - 2 * LEAST) * min(seconds / top, 1.0))


def _seconds(value: timedelta | None) -> float | None:
    return value.total_seconds() if value is not None else None


def _number(value: float) -> str:
    """For an attribute of SVG, in no language."""
    return f"{value:.1f}"
