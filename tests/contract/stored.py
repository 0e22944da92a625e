"""What the tables hold, in a form to compare; and the counts, counted anew from the tasks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django_celery_monitor.models import Task, TaskCount, TaskError, TaskStats, Worker
from django_celery_monitor.pipeline import Outcome, Pipeline
from django_celery_monitor.state.contributions import COUNTED, cohort, flows
from django_celery_monitor.state.sketch import bin_of
from django_celery_monitor.storage.flows import PERIODS
from django_celery_monitor.storage.rows import facts_of
from tests.project.celery import app
from tests.streams import START, body

# All of it came at once, a while after it happened.
ARRIVED = START + 90_000


def store(events: Iterable[dict[str, Any]], arrived: float = ARRIVED) -> Outcome:
    return Pipeline(app).store([body(event) for event in events], arrived)


def everything() -> dict[str, Any]:
    """Every row that events lead to; the text of its event set included."""
    errors = TaskError.objects.order_by("task_id", "key").values()
    return {
        "tasks": list(Task.objects.order_by("id").values()),
        "errors": [{**row, "id": None} for row in errors],
        "workers": list(Worker.objects.order_by("hostname").values()),
        "stats": stats(),
        "counts": counts(),
    }


def stats() -> dict[Any, Any]:
    """Counts, sums and sketches by period, grain, start and label."""
    found = {}
    for row in TaskStats.objects.all():
        key = (row.period, row.grain, row.start.timestamp(), row.label)
        sums = [getattr(row, field) for field in (*COUNTED, "runtime_us", "wait_us")]
        found[key] = (*sums, json.loads(row.runtime_bins), json.loads(row.wait_bins))
    return found


def counts() -> dict[Any, int]:
    return {
        (row.period, row.start.timestamp(), row.name, row.state): row.count
        for row in TaskCount.objects.all()
    }


def of_minutes() -> dict[Any, int]:
    return {key[1:]: count for key, count in counts().items() if key[0] == "m"}


def recounted_stats() -> dict[Any, Any]:
    """What ``stats`` has to be, from the tasks' own rows."""
    sums: dict[Any, Counter[Any]] = {}
    bins: dict[Any, tuple[Counter[str], Counter[str]]] = {}
    for task in Task.objects.all():
        for flow in flows(facts_of(task)):
            for grain, label in (("n", flow.name), ("w", flow.worker), ("q", flow.queue)):
                for period, seconds in PERIODS.items():
                    key = (period, grain, flow.minute // seconds * seconds, label)
                    total = sums.setdefault(key, Counter())
                    total.update([flow.kind])
                    total.update(runtime_us=flow.runtime or 0, wait_us=flow.wait or 0)
                    sketches = bins.setdefault(key, (Counter(), Counter()))
                    for sketch, each in zip(sketches, (flow.runtime, flow.wait), strict=True):
                        sketch.update([] if each is None else [str(bin_of(each))])
    return {
        key: (*(total[field] for field in (*COUNTED, "runtime_us", "wait_us")), *bins[key])
        for key, total in sums.items()
    }


def recounted() -> dict[Any, int]:
    found = [cohort(facts_of(task)) for task in Task.objects.all()]
    lengths = {"m": 60, "h": 3600, "d": 86_400}
    starts = [
        (period, each.minute // seconds * seconds, each)
        for period, seconds in lengths.items()
        for each in found
    ]
    starts += [("e", 0, each) for each in found]
    return dict(Counter((*start, each.name, each.state) for *start, each in starts))
