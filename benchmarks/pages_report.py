"""What pages took, as a table for people and as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.pages_asked import Timing
from benchmarks.pages_flower import Answer
from benchmarks.report import as_json

_HEADINGS = ("page", "first", "p50", "p95", "goal", "", "cpu", "queries")


def table(timings: Iterable[Timing]) -> str:
    """Milliseconds; what is above its goal is marked."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for each in timings:
        mark = f"HTTP {each.status}" if each.status != 200 else "MISSED" * (each.p95 > each.goal)
        numbers = (f"{each.first:.0f}", f"{each.p50:.1f}", f"{each.p95:.1f}", f"{each.goal:.0f}")
        rows.append((each.page, *numbers, mark, f"{each.cpu:.1f}", str(each.queries)))
    return _aligned(rows)


def beside(answers: Iterable[Answer]) -> str:
    """The same, of Flower."""
    rows = [("Flower", "tasks", "p50", "p95", "cpu", "peak MB")]
    for each in answers:
        numbers = (
            f"{each.tasks:,}",
            f"{each.p50:.1f}",
            f"{each.p95:.1f}",
            f"{each.cpu:.1f}",
            f"{each.memory / 1e6:,.0f}",
        )
        rows.append((each.page, *numbers))
    return _aligned(rows)


def figures(
    timings: Iterable[Timing], answers: Iterable[Answer], told: dict[str, Any]
) -> dict[str, Any]:
    found = as_json([], told)
    found["runs"] = [asdict(each) for each in timings]
    found["flower"] = [asdict(each) for each in answers]
    return found


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)
