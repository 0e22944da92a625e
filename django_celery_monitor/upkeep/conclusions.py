"""What may be concluded from answers; the table of cases: docs/architecture/settling.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django_celery_monitor.control.asking import Process
from django_celery_monitor.control.results import KnownResult
from django_celery_monitor.models import Task, Worker
from django_celery_monitor.state.derive import RESULT_BACKEND, WORKER_ASKED, WORKER_LOST
from django_celery_monitor.state.states import IGNORED, LOST, REVOKED, group
from django_celery_monitor.storage.rows import events_of
from django_celery_monitor.upkeep.lost import LostTask
from django_celery_monitor.upkeep.open_rows import TOLERANCE, OpenTask


class Conclusion(NamedTuple):
    """What is to be known of a task from now on, unless a worker says otherwise."""

    task_id: str
    worker: str
    # Epoch seconds.
    time: float
    state: str
    source: str
    # The result, or the exception of one that failed.
    text: str


def by_backend(row: OpenTask, known: KnownResult, now: datetime) -> Conclusion:
    # It comes after what it is about, and a clock that is years ahead would not be stored.
    time = max(min(known.time or now, now), row.updated_at).timestamp()
    return Conclusion(row.id, row.worker, time, known.state, RESULT_BACKEND, known.text)


def by_silence(lost: LostTask, known: KnownResult | None, now: datetime) -> Conclusion:
    if known:
        return by_backend(lost.task, known, now)
    moment = lost.moment.timestamp()
    return Conclusion(lost.task.id, lost.task.worker, moment, LOST, WORKER_LOST, "")


def by_asking(
    row: OpenTask, known: KnownResult | None, process: Process, asked_at: float, using: str
) -> Conclusion:
    """Of a running task that its worker does not have, nor any other worker."""
    now = datetime.fromtimestamp(asked_at, UTC)
    if known:
        return by_backend(row, known, now)
    began = now - timedelta(seconds=process.uptime)
    state = LOST if _is_another_process(row, process.pid, began, using) else IGNORED
    time = max(now, row.updated_at).timestamp()
    return Conclusion(row.id, row.worker, time, state, WORKER_ASKED, "")


def needs_asking(row: OpenTask, known: KnownResult) -> bool:
    """A running task that was revoked may go on running."""
    return known.state == REVOKED and group(row.state) == "running"


def _is_another_process(row: OpenTask, pid: int, began: datetime, using: str) -> bool:
    """Whether the worker that answers began after the task did, in its predecessor."""
    task = Task.objects.using(using).filter(pk=row.id).first()
    events = events_of(task) if task else []
    started = [each for each in events if each.type == "started" and each.hostname == row.worker]
    if started and started[-1].pid != pid:
        return True
    worker = Worker.objects.using(using).filter(pk=row.worker).first()
    ahead = timedelta(seconds=(worker and worker.clock_offset) or 0.0)
    return row.updated_at - ahead + TOLERANCE < began
