"""Tasks that were running in a worker process of which nothing is heard any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django_celery_monitor.filters import Term, to_q
from django_celery_monitor.models import Task, Worker
from django_celery_monitor.state.worker import lost_after
from django_celery_monitor.upkeep.open_rows import COLUMNS, OpenTask

# One look settles so many tasks at most; the next goes on.
LIMIT: Final = 200


class LostTask(NamedTuple):
    """``moment``: when it counts as lost; the same whoever concludes it."""

    task: OpenTask
    moment: datetime


def lost_tasks(now: datetime, listened: float, using: str) -> list[LostTask]:
    """Running tasks whose worker went silent, or came back as a new process without them.

    ``listened``: seconds that a collector has been listening and keeping up. Silence counts only
    when it was listened to; a worker without heartbeats is never judged.
    """
    gone = _gone(now, listened, using)
    if not gone:
        return []
    running = Task.objects.using(using).filter(to_q(Term("state", "running")))
    found = running.filter(worker__in=gone).order_by("time").values_list(*COLUMNS)[: 2 * LIMIT]
    lost = []
    for task in map(OpenTask._make, found):
        since, before = gone[task.worker]
        if before is None or task.updated_at < before:
            # The worker's clock may be ahead, and a conclusion comes after what it is about.
            lost.append(LostTask(task, max(since, task.updated_at)))
    return lost[:LIMIT]


class _Gone(NamedTuple):
    """``since``: when the process counts as gone. ``before``: what the new one runs is younger."""

    since: datetime
    before: datetime | None


def _gone(now: datetime, listened: float, using: str) -> dict[str, _Gone]:
    """Processes of workers that are gone, by host name."""
    found = {}
    for worker in Worker.objects.using(using).filter(freq__isnull=False):
        patience = timedelta(seconds=lost_after(worker.freq or 0))
        if now - worker.arrived_at > patience:
            if patience.total_seconds() < listened:
                found[worker.hostname] = _Gone(worker.arrived_at + patience, None)
        elif worker.online_at and now - worker.online_at > patience:
            found[worker.hostname] = _Gone(worker.online_at, worker.online_at)
    return found
