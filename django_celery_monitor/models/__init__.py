"""The kept history. Rows are written by ``storage`` and ``upkeep``; everything else reads."""

from __future__ import annotations

from django_celery_monitor.models.actions import ControlAction, ControlTarget
from django_celery_monitor.models.collectors import (
    BadEvent,
    CollectorRun,
    Gap,
    Installation,
    Lease,
)
from django_celery_monitor.models.counts import TaskCount, TaskStats, TaskTotals
from django_celery_monitor.models.inspections import Inspection, WorkerReply
from django_celery_monitor.models.operations import Operation, OperationItem
from django_celery_monitor.models.reruns import Rerun
from django_celery_monitor.models.tasks import Task, TaskError
from django_celery_monitor.models.views import SavedView
from django_celery_monitor.models.workers import Worker, WorkerEvent, WorkerSample

__all__ = [
    "BadEvent",
    "CollectorRun",
    "ControlAction",
    "ControlTarget",
    "Gap",
    "Inspection",
    "Installation",
    "Lease",
    "Operation",
    "OperationItem",
    "Rerun",
    "SavedView",
    "Task",
    "TaskCount",
    "TaskError",
    "TaskStats",
    "TaskTotals",
    "Worker",
    "WorkerEvent",
    "WorkerReply",
    "WorkerSample",
]
