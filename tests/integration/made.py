"""What pages are tested with: readers with rights, and rows made through the pipeline."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from django_celery_monitor.models import CollectorRun, Worker
from django_celery_monitor.pipeline import Pipeline

HOST = "celery@web-1"
TRACEBACK = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py", line 479, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/shop/orders/tasks.py", line 88, in charge_card
    gateway.charge(order.total)
shop.errors.CardDeclined: insufficient_funds
"""
Event = dict[str, Any]
_names = count()


def client_of(*codenames: str, staff: bool = False) -> Client:
    """The browser of somebody who was granted just these rights."""
    user = User.objects.create_user(f"reader{next(_names)}", is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def superuser() -> User:
    return User.objects.create_superuser(f"root{next(_names)}")


def root_client() -> Client:
    client = Client()
    client.force_login(superuser())
    return client


def event(kind: str, uuid: str, at: float, host: str = HOST, **own: Any) -> Event:
    return {
        "type": f"task-{kind}",
        "uuid": uuid,
        "hostname": host,
        "timestamp": at,
        "utcoffset": 0,
        "pid": 7,
        "clock": int(at * 1000) % 10**9,
        **own,
    }


def sent(uuid: str, at: float, name: str = "shop.ship", **own: Any) -> Event:
    texts = {"name": name, "args": "(1,)", "kwargs": "{'carrier': 'dhl'}", "queue": "mail"}
    return event("sent", uuid, at, "gen1@web", **{**texts, "retries": 0, **own})


def received(uuid: str, at: float, name: str = "shop.ship", **own: Any) -> Event:
    texts = {"name": name, "args": "(1,)", "kwargs": "{'carrier': 'dhl'}"}
    return event("received", uuid, at, **{**texts, "retries": 0, **own})


def failed(uuid: str, at: float, kind: str = "failed", **own: Any) -> Event:
    own = {"exception": "CardDeclined('insufficient_funds')", "traceback": TRACEBACK} | own
    return event(kind, uuid, at, **own)


def store(*events: Event) -> None:
    Pipeline().store([json.dumps(events).encode()])


def now() -> float:
    return timezone.now().timestamp()


def a_task(state: str = "succeeded", ago: float = 5.0, **own: Any) -> str:
    """The id of a stored task that was sent so many seconds ago and took half a second."""
    uuid, at = str(uuid4()), now() - ago
    events = [sent(uuid, at, **own), received(uuid, at + 0.1, **own)]
    if state != "received":
        events.append(event("started", uuid, at + 0.2))
    if state == "succeeded":
        events.append(event("succeeded", uuid, at + 0.7, result="'tracked'", runtime=0.5))
    if state == "failed":
        events.append(failed(uuid, at + 0.7))
    store(*events)
    return uuid


def a_worker(hostname: str = HOST, silent: float = 1.0, **columns: Any) -> Worker:
    """A worker that was heard so many seconds ago."""
    heard = timezone.now() - timedelta(seconds=silent)
    columns = {"freq": 2.0, "active": 1, "processed": 1234, "loadavg": [0.4, 0.3, 0.2]} | columns
    columns = {"online_at": heard, "heartbeat_at": heard, "event_at": heard} | columns
    columns = {"first_seen_at": heard, "arrived_at": heard} | columns
    return Worker.objects.update_or_create(hostname=hostname, defaults=columns)[0]


def a_collector(*, since: timedelta = timedelta(hours=1), at: datetime | None = None) -> None:
    """One that has been listening since then, and renewed itself at ``at`` (now)."""
    at = at or timezone.now()
    CollectorRun.objects.create(
        node="test", pid=1, transport="redis", started_at=at - since, last_seen_at=at, lag=0.25
    )
