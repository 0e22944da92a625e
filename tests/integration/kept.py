"""Rows as they are kept, written directly, for tests of those who only read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from django_celery_monitor.models import CollectorRun, Task, TaskError, Worker

T0 = datetime(2026, 1, 31, 14, tzinfo=UTC)
EPOCH = datetime.fromtimestamp(0, UTC)


def a_task(task_id: str, **values: Any) -> Task:
    time = values.setdefault("time", T0)
    defaults = {"name": "shop.pay", "state": "SUCCESS", "known_by": "worker", "updated_at": time}
    return Task.objects.create(id=task_id, **{**defaults, **values})


def an_error(task_id: str, **values: Any) -> TaskError:
    key = f"key-{TaskError.objects.count()}"
    defaults = {"key": key, "time": T0, "type": "ValueError", "message": "no", "fingerprint": "f"}
    return TaskError.objects.create(task_id=task_id, **{**defaults, **values})


def a_worker(hostname: str, **values: Any) -> Worker:
    now = timezone.now()
    times = dict.fromkeys(
        ("first_seen_at", "arrived_at", "online_at", "heartbeat_at", "event_at"), now
    )
    return Worker.objects.create(hostname=hostname, **{**times, "freq": 2.0, **values})


def a_collector(**values: Any) -> CollectorRun:
    now = timezone.now()
    times = {"started_at": now - timedelta(hours=1), "last_seen_at": now}
    defaults = {"node": "host", "pid": 1, "transport": "redis", **times}
    return CollectorRun.objects.create(**{**defaults, **values})
