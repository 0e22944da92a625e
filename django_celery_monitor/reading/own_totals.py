"""Totals for a reader of whom a policy leaves no counts: out of the newest tasks they may see."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

import orjson

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.models import Task, TaskStats
from django_celery_monitor.reading.series_rows import COUNTS, Figures
from django_celery_monitor.reading.series_window import Window
from django_celery_monitor.state.sketch import bin_of

Grain = TaskStats.Grain
LOOKED_AT: Final = 10_000
_COLUMNS: Final = {Grain.NAME: "name", Grain.QUEUE: "queue", Grain.WORKER: "worker"}
_OUTCOMES: Final = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "REJECTED": "rejected",
    "REVOKED": "revoked",
}
_FIELDS: Final = (
    *("state", "known_by", "runtime", "retries", "eta"),
    *("sent_at", "received_at", "started_at", "finished_at"),
)


def own_figures(
    user: User, grain: Grain, window: Window, label: str | None
) -> tuple[dict[str, Figures], dict[str, int]]:
    """By label, what became of tasks that began in the window, and how many were received.

    Of a task that ran several times its last run.
    """
    column = _COLUMNS[grain]
    rows = Task.objects.filter(time__gte=window.start, time__lt=window.end)
    if label is not None:
        rows = rows.filter(**{column: label})
    visible = get_policy().visible(user, rows).only(column, *_FIELDS).order_by("-time")
    found: defaultdict[str, _Sum] = defaultdict(_Sum)
    for task in visible[:LOOKED_AT]:
        found[getattr(task, column)].add(task)
    received = {name: each.received for name, each in found.items()}
    return {name: each.figures() for name, each in found.items()}, received


class _Sum:
    def __init__(self) -> None:
        self.received = 0
        self._counts = dict.fromkeys(COUNTS, 0)
        self._bins: dict[str, Counter[int]] = {"runtime_bins": Counter(), "wait_bins": Counter()}

    def add(self, task: Task) -> None:
        self.received += task.received_at is not None
        self._counts["retried"] += task.retries or 0
        outcome = _OUTCOMES.get(task.state)
        if outcome is None:
            return
        self._counts[outcome] += 1
        for kind, span in (("runtime", task.duration), ("wait", task.wait)):
            if span is not None:
                micros = round(span.total_seconds() * 1_000_000)
                self._counts[f"{kind}_us"] += micros
                self._bins[f"{kind}_bins"][bin_of(micros)] += 1

    def figures(self) -> Figures:
        made = Figures()
        made.count(self._counts.values())
        for name, bins in self._bins.items():
            made.sketch(name, orjson.dumps({str(place): n for place, n in bins.items()}).decode())
        return made
