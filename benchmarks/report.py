"""What was measured, as a table for people and as JSON for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from statistics import median
from typing import Any

BASE = "Flower"
_HEADINGS = (
    "broker",
    "monitor",
    "events/CPU-s",
    "x Flower",
    "events/s",
    "peak MB",
    "bytes/task",
    "lost",
)
_PACKAGES = frozenset({"amqp", "celery", "django", "flower", "kombu", "psycopg", "redis"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One monitor's run."""

    broker: str
    subject: str
    sent: int
    known: int
    # Of the monitor's process alone: from subscribed and idle, until all was handled.
    cpu_seconds: float
    # From publishing to idle, without the waits between rounds.
    wall_seconds: float
    peak_memory: int
    # Of the machine, over the minute before.
    load: float
    # In the database, with indexes; 0 of a monitor that stores nothing.
    task_bytes: float = 0.0

    @property
    def lost(self) -> int:
        return self.sent - self.known

    @property
    def per_cpu_second(self) -> float:
        """Only what was handled counts as done."""
        return self.known / max(self.cpu_seconds, 0.01)

    @property
    def per_second(self) -> float:
        return self.known / max(self.wall_seconds, 0.01)


def table(figures: Iterable[Figures]) -> str:
    """A line for each monitor on each broker, with the median of its runs; lost: the most."""
    rows = [_HEADINGS]
    for broker, of_broker in _grouped(figures, "broker"):
        subjects = dict(_grouped(of_broker, "subject"))
        base = _median(subjects.get(BASE, []), "per_cpu_second")
        for subject, runs in subjects.items():
            speed = _median(runs, "per_cpu_second")
            lost = max(run.lost for run in runs)
            share = lost / runs[0].sent
            rows.append(
                (
                    broker,
                    subject,
                    f"{speed:,.0f}",
                    f"{speed / base:.2f}" if base else "",
                    f"{_median(runs, 'per_second'):,.0f}",
                    f"{_median(runs, 'peak_memory') / 1e6:,.0f}",
                    f"{_median(runs, 'task_bytes'):,.0f}",
                    f"{lost:,} ({share:.0%})" if lost else "0",
                )
            )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def as_json(figures: Iterable[Figures], options: dict[str, Any]) -> dict[str, Any]:
    return {
        "options": options,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "packages": {
            each.name: each.version for each in distributions() if each.name.lower() in _PACKAGES
        },
        "runs": [asdict(each) for each in figures],
    }


def _grouped(figures: Iterable[Figures], field: str) -> Iterable[tuple[str, list[Figures]]]:
    """By a field's value, in order of first appearance."""
    groups: dict[str, list[Figures]] = {}
    for each in figures:
        groups.setdefault(getattr(each, field), []).append(each)
    return groups.items()


def _median(runs: list[Figures], field: str) -> float:
    return median(getattr(run, field) for run in runs) if runs else 0.0


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    names = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join(names + numbers)
