"""The kept history. Rows are written by ``storage`` and ``upkeep``; everything else reads."""

from __future__ import annotations

from django_celery_monitor.models.collectors import BadEvent, CollectorRun, Installation, Lease
from django_celery_monitor.models.counts import TaskCount, TaskStats
from django_celery_monitor.models.tasks import Task, TaskError
from django_celery_monitor.models.workers import Worker

__all__ = [
    "BadEvent",
    "CollectorRun",
    "Installation",
    "Lease",
    "Task",
    "TaskCount",
    "TaskError",
    "TaskStats",
    "Worker",
]
