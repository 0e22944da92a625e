from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import (
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    VIEW_WORKER,
    get_policy,
)
from django_celery_monitor.filters import And, Term
from django_celery_monitor.models import ControlTarget, TaskTotals
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.reading.queue_readers import queue_readers
from django_celery_monitor.reading.queues import (
    Now,
    Queues,
    is_unread,
    known_queues,
    queues_now,
    readers,
)
from django_celery_monitor.reading.series_window import Window, window_of
from django_celery_monitor.reading.totals import Grain, Totals, ever, nothing, one, totals, trends
from django_celery_monitor.reading.uncounted import own_only
from django_celery_monitor.views.addresses import of_tasks
from django_celery_monitor.views.audit import entries_on, latest
from django_celery_monitor.views.charts import Charts
from django_celery_monitor.views.offers import Offers, of_queue
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import rows, tasks_for
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.views.sorting import Key, chosen, headings, ordered
from django_celery_monitor.views.types import ranges

MOST: Final = 200
LATEST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """``consumers``: workers that said they read it; ``None`` if none was asked, or may be seen."""

    label: str
    now: Now
    totals: Totals
    consumers: list[str] | None
    unread: bool
    trend: list[int]

    @property
    def kind(self) -> str:
        """How it stands, as the icon and the colour of a badge."""
        if self.unread:
            return "lost"
        flow = self.now.flow
        if flow is None:
            return "unknown"
        if self.now.waiting and flow.growth > 0:
            return "late"
        busy = self.now.waiting or self.now.running or flow.arriving or flow.finishing
        return "online" if busy else "offline"


KEYS: Final[dict[str, Key[QueueRow]]] = {
    "name": lambda each: each.label,
    "waiting": lambda each: each.now.waiting,
    "running": lambda each: each.now.running,
    "arriving": lambda each: each.now.flow and each.now.flow.arriving,
    "finishing": lambda each: each.now.flow and each.now.flow.finishing,
    "growth": lambda each: each.now.growth,
    "failed": lambda each: each.totals.failed,
    "w50": lambda each: each.totals.waits[0],
    "w95": lambda each: each.totals.waits[1],
    "p95": lambda each: each.totals.runtimes[1],
}


@page(VIEW_TASK)
def queues(request: HttpRequest) -> HttpResponse:
    now, user = timezone.now(), request.user
    window = window_of(request.GET.dict(), now)
    sort = chosen(request, KEYS, "-waiting")
    heard = listening(now)
    open_now = queues_now(user, now, heard)
    sums = {each.label: each for each in totals(user, Grain.QUEUE, window, now)}
    labels = _labels(open_now, {*sums, *known_queues(user)})
    consumers = readers(user)
    lines = trends(user, Grain.QUEUE, window, labels)
    found = [
        _row(
            label,
            now,
            place=open_now.get(label),
            consumers=_of(consumers, label),
            totals=sums.get(label) or nothing(label),
            trend=lines[label],
        )
        for label in labels
    ]
    context = {
        "section": "queues",
        "now": now,
        "collector": heard,
        "window": window,
        "ranges": ranges(request, window),
        "headings": headings(request, KEYS, sort),
        "rows": ordered(found, KEYS, sort),
        "at_least": open_now.at_least,
        "own_only": own_only(user, Grain.QUEUE),
        "consumers_known": consumers is not None,
        "failed_since": _instant(window),
    }
    return render_page(request, "queues.html", context)


@page(VIEW_TASK, also=latest)
def queue(request: HttpRequest, name: str) -> HttpResponse:
    now, user = timezone.now(), request.user
    heard = listening(now)
    charts = Charts(request, now, of=("queue", name), heard=heard)
    window = charts.window
    open_now = queues_now(user, now, heard)
    latest = page_of(tasks_for(user), And((Term("queue", name),)), size=LATEST).items
    composition = ever(user, TaskTotals.Grain.QUEUE, label=name)
    place = open_now.get(name)
    figures = one(user, Grain.QUEUE, name, window, now)
    reading = _of(readers(user), name)
    if not (latest or composition or reading or figures.received or figures.ended):
        raise Http404(_("No task of this queue is kept or counted in this time."))
    context = {
        "section": "queues",
        "now": now,
        "collector": heard,
        "name": name,
        "charts": charts,
        "row": _row(name, now, place=place, consumers=reading, totals=figures, trend=[]),
        "at_least": open_now.at_least,
        "composition": composition,
        "waiting_names": place.names.most_common(8),
        "rows": rows(user, latest),
        "may_see_workers": get_policy().can(user, VIEW_WORKER),
        "payload": get_policy().can(user, VIEW_TASK_ARGUMENTS),
        "offers": of_queue(request, name, reading),
        "change": Offers(request),
        "readers": queue_readers(user, reading or (), now, heard),
        "entries": entries_on(user, ControlTarget.Kind.QUEUE, name),
        **_addresses(name, window),
    }
    return render_page(request, "queue.html", context)


def _row(label: str, now: datetime, place: Now, **known: Any) -> QueueRow:
    unread = bool(label) and is_unread(place, known["consumers"], now)
    return QueueRow(label=label, now=place, unread=unread, **known)


def _labels(open_now: Queues, known: set[str]) -> list[str]:
    """Those that are shown; where tasks wait is never left out."""
    every = {*open_now.queues, *known}
    return sorted(every, key=lambda label: (-open_now.get(label).waiting, label))[:MOST]


def _of(consumers: dict[str, list[str]] | None, name: str) -> list[str] | None:
    return None if consumers is None else consumers.get(name, [])


def _addresses(name: str, window: Window) -> dict[str, Any]:
    return {
        "list_url": of_tasks(queue=name),
        "waiting_url": of_tasks(state="waiting", queue=name),
        "running_url": of_tasks(state="running", queue=name),
        "failed_url": of_tasks(state="failed", queue=name, failed=_instant(window)),
    }


def _instant(window: Window) -> str:
    return window.start.isoformat().replace("+00:00", "Z")
