"""Workers' answers as they come from Celery, kept by the way that the collector takes."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.utils import timezone

from django_celery_monitor.conf import Settings
from django_celery_monitor.control.told import Reader
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.upkeep import inspections
from django_celery_monitor.upkeep.inspections import Wanted
from tests.integration.made import HOST

READER = Reader(Redactor(Settings().REDACT_KEYS), Settings().REDACT_KEYS, (), max_text=4096)


def held_task(task_id: str = "a-1", name: str = "shop.ship", text: str = "dhl") -> dict[str, Any]:
    return {
        "id": task_id,
        "name": name,
        "args": [1, text],
        "kwargs": {"carrier": text, "password": "hunter2"},
        "time_start": time.time() - 41,
        "acknowledged": True,
        "delivery_info": {"exchange": "", "routing_key": "mail", "priority": 0},
        "worker_pid": 4242,
    }


def replies(text: str = "dhl", task_id: str = "a-1", name: str = "shop.ship") -> dict[str, Any]:
    """One of each kind, with ``text`` wherever a worker may say anything."""
    task = held_task(task_id, name, text)
    pool = {
        "implementation": "celery.concurrency.prefork:TaskPool",
        "max-concurrency": 4,
        "processes": [11, 12, 13, 14],
        "timeouts": [0, 0],
        "writes": {"total": 7, "all": "25.00%", "inqueues": {"total": 4, "active": 0}},
    }
    queue = {
        "name": "mail",
        "exchange": {"name": "mail", "type": "direct"},
        "routing_key": text,
        "durable": True,
        "message_ttl": 60.0,
        "queue_arguments": {"x-max-priority": 9, "items": text},
    }
    return {
        "stats": {
            "total": {name: 1200, "items": 3},
            "pid": 10,
            "uptime": 7200,
            "pool": pool,
            "prefetch_count": 16,
            "broker": {"hostname": text, "transport": "redis", "alternates": []},
            "rusage": {"utime": 12.5, "maxrss": 125_000},
        },
        "active_queues": [queue],
        "active": [task],
        "reserved": [task],
        "scheduled": [{"eta": "2026-12-01T10:00:00+00:00", "priority": 6, "request": task}],
        "revoked": [task_id],
        "registered": [f"{name} [rate_limit=10/m max_retries=3 acks_late=True queue={text}]"],
        "conf": {
            "task_default_queue": text,
            "task_routes": {text: "mail"},
            "worker_prefetch_multiplier": 4,
        },
        "report": {"ok": f"software -> {text}\n\nsecret settings"},
    }


def answered(
    hostname: str = HOST, at: datetime | None = None, raw: dict[str, Any] | None = None
) -> None:
    """The worker was asked, and this is what it told."""
    told = {part: READER.read(part, said) for part, said in (raw or replies()).items()}
    kept = {part: said for part, said in told.items() if said}
    inspections.keep([Wanted(hostname, None)], {hostname: kept}, at or timezone.now(), "default")


def unanswered(hostname: str = HOST, at: datetime | None = None) -> None:
    inspections.keep([Wanted(hostname, None)], {}, at or timezone.now(), "default")
