"""``GET workers`` and ``GET workers/{hostname}``."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router

from django_celery_monitor.access.policy import VIEW_WORKER
from django_celery_monitor.api.answers import WorkerOut, WorkerPage
from django_celery_monitor.api.auth import Session
from django_celery_monitor.api.questions import PAGING, documented, limit_of, refuse_unknown
from django_celery_monitor.api.render import answer
from django_celery_monitor.workers import WorkerView, one_worker, worker_list

# Of more than so many, those that were silent longest are left out.
MOST: Final = 5000
COLUMNS: Final = (
    *("first_seen_at", "arrived_at", "online_at", "offline_at", "heartbeat_at", "freq", "pid"),
    *("active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"),
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
    views = worker_list(request.user, timezone.now(), limit=MOST)
    views.sort(key=lambda view: view.worker.hostname)
    rest = [view for view in views if view.worker.hostname > cursor]
    last = rest[limit - 1].worker.hostname if len(rest) > limit else None
    return answer({"items": [_item(view) for view in rest[:limit]], "next": last})


@router.get("workers/{celery_monitor_text:hostname}", response=WorkerOut, operation_id="get_worker")
def get_worker(request: HttpRequest, hostname: str) -> HttpResponse:
    """One worker by its host name."""
    view = one_worker(request.user, timezone.now(), hostname)
    if view is None:
        raise Http404(_("No worker of this name has been seen."))
    return answer(_item(view))


def _item(view: WorkerView) -> dict[str, Any]:
    values = view.worker.__dict__
    return {
        "hostname": view.worker.hostname,
        "health": str(view.health),
        "reason": view.reason,
        "silence": view.silence.total_seconds(),
        "per_minute": view.per_minute,
        **{column: None if values[column] == "" else values[column] for column in COLUMNS},
    }
