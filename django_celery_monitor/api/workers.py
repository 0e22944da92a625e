"""``GET workers`` and ``GET workers/{hostname}``."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router

from django_celery_monitor.access.policy import VIEW_WORKER, User, get_policy
from django_celery_monitor.api.answers_of_workers import WorkerDetailOut, WorkerPage
from django_celery_monitor.api.auth import Session
from django_celery_monitor.api.questions import PAGING, documented, limit_of, refuse_unknown
from django_celery_monitor.api.render import answer
from django_celery_monitor.models import WorkerReply
from django_celery_monitor.reading.fleet import FleetRow, rows_of
from django_celery_monitor.reading.inspected import visible_content
from django_celery_monitor.workers import one_worker, worker_list

# Of more than so many, those that were silent longest are left out.
MOST: Final = 5000
COLUMNS: Final = (
    *("first_seen_at", "arrived_at", "online_at", "offline_at", "heartbeat_at", "freq", "pid"),
    *("active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys", "clock_offset"),
)

router = Router(auth=Session(VIEW_WORKER), tags=["workers"])


@router.get(
    "workers",
    response=WorkerPage,
    operation_id="list_workers",
    openapi_extra=documented(PAGING),
)
def list_workers(request: HttpRequest) -> HttpResponse:
    """Workers, by host name."""
    refuse_unknown(request, PAGING)
    limit, cursor = limit_of(request), request.GET.get("cursor", "")
    now = timezone.now()
    views = worker_list(request.user, now, limit=MOST)
    views.sort(key=lambda view: view.worker.hostname)
    rest = [view for view in views if view.worker.hostname > cursor]
    last = rest[limit - 1].worker.hostname if len(rest) > limit else None
    rows = rows_of(request.user, now, rest[:limit])
    return answer({"items": [_item(row) for row in rows], "next": last})


@router.get(
    "workers/{celery_monitor_text:hostname}",
    response=WorkerDetailOut,
    operation_id="get_worker",
)
def get_worker(request: HttpRequest, hostname: str) -> HttpResponse:
    """One worker by its host name, with what it told when it was asked."""
    now = timezone.now()
    view = one_worker(request.user, now, hostname)
    if view is None:
        raise Http404(_("No worker of this name has been seen."))
    [row] = rows_of(request.user, now, [view])
    replies = get_policy().visible(request.user, WorkerReply.objects.filter(worker=hostname))
    told = {reply.part: _reply(request.user, reply) for reply in replies.order_by("part")}
    return answer({**_item(row), **_asked(row), "replies": told})


def _item(row: FleetRow) -> dict[str, Any]:
    view, asked = row.view, row.inspection
    values = view.worker.__dict__
    return {
        "hostname": view.worker.hostname,
        "health": str(view.health),
        "reason": view.reason,
        "silence": view.silence.total_seconds(),
        "per_minute": view.per_minute,
        "failed_share": row.failed,
        **{column: None if values[column] == "" else values[column] for column in COLUMNS},
        "started_at": row.started_at,
        "pool": asked.pool or None,
        "concurrency": asked.concurrency,
        "queues": asked.queues,
    }


def _asked(row: FleetRow) -> dict[str, Any]:
    fields = ("wanted_at", "asked_at", "answered_at", "silent_since")
    return {field: getattr(row.inspection, field) for field in fields}


def _reply(user: User, reply: WorkerReply) -> dict[str, Any]:
    found = visible_content(user, reply.part, reply.content)
    return {
        "told_at": reply.told_at,
        "total": reply.total,
        "content": found.content,
        "hidden": found.hidden,
        "needs": found.needs or None,
    }
