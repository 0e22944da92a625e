"""The numbers of a chart, as ``frontend/src/chart.ts`` reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_celery_monitor.reading.throughput import Minute


def series(minutes: Iterable[Minute]) -> dict[str, Any]:
    """Columns; times are seconds since the epoch, a gap is ``None``."""
    rows = list(minutes)
    return {
        "time": [int(row.start.timestamp()) for row in rows],
        "succeeded": [row.succeeded for row in rows],
        "retried": [row.retried for row in rows],
        "failed": [row.failed for row in rows],
        "p50": [row.p50 for row in rows],
        "p95": [row.p95 for row in rows],
        "p99": [row.p99 for row in rows],
    }
