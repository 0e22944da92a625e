"""``GET overview``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_TASK_ARGUMENTS, get_policy
from django_celery_monitor.api.answers import OverviewOut
from django_celery_monitor.api.auth import Session
from django_celery_monitor.api.render import answer
from django_celery_monitor.models import Gap, Task, TaskError
from django_celery_monitor.overview import Overview, overview
from django_celery_monitor.reading.throughput import Minute

router = Router(auth=Session(VIEW_TASK), tags=["overview"])


@router.get("overview", response=OverviewOut, operation_id="get_overview")
def get_overview(request: HttpRequest) -> HttpResponse:
    """What matters now."""
    seen = overview(timezone.now(), request.user)
    hidden = not get_policy().can(request.user, VIEW_TASK_ARGUMENTS)
    return answer(
        {
            "now": seen.now,
            "waiting": seen.waiting,
            "running": seen.running,
            "retrying": seen.retrying,
            "at_least": seen.at_least,
            "oldest_waiting": _waiting(seen.oldest_waiting),
            "last_hour": None if seen.uncounted else _minute(seen.last_hour),
            "finished_per_minute": None if seen.uncounted else seen.finished_per_minute,
            "minutes": [] if seen.uncounted else [_minute(minute) for minute in seen.minutes],
            "latest_failures": [_failure(error, hidden) for error in seen.latest_failures],
            "arguments_hidden": hidden,
            "workers": _workers(seen),
            "collector": {
                "listening": seen.collector.on,
                "since": seen.collector.since,
                "lag": seen.collector.lag,
            },
            "gaps": [_gap(gap) for gap in seen.gaps],
        }
    )


def _waiting(task: Task | None) -> dict[str, Any] | None:
    return {"id": task.id, "name": task.name or None, "time": task.time} if task else None


def _minute(minute: Minute) -> dict[str, Any]:
    return {
        "start": minute.start,
        "succeeded": minute.succeeded,
        "failed": minute.failed,
        "retried": minute.retried,
        "revoked": minute.revoked,
        "running": minute.running,
        "waiting": minute.waiting,
        "p50": minute.p50,
        "p95": minute.p95,
        "p99": minute.p99,
    }


def _failure(error: TaskError, hidden: bool) -> dict[str, Any]:
    return {
        "task_id": error.task_id,
        "name": error.name or None,
        "worker": error.worker or None,
        "time": error.time,
        "type": error.type,
        "message": None if hidden else error.message,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {"start": gap.started_at, "end": gap.ended_at, "reason": gap.reason}


def _workers(seen: Overview) -> dict[str, int] | None:
    if seen.workers is None:
        return None
    return {"online": seen.workers_online, "late": seen.workers_late, "lost": seen.workers_lost}
