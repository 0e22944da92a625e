from __future__ import annotations

from dataclasses import dataclass
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
from django_celery_monitor.models import TaskTotals
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading import failures
from django_celery_monitor.reading.histogram import histogram
from django_celery_monitor.reading.series_window import RANGES, Window, window_of
from django_celery_monitor.reading.totals import Grain, Totals, ever, one, totals, trends
from django_celery_monitor.reading.uncounted import own_only
from django_celery_monitor.views.addresses import of_tasks, this_page
from django_celery_monitor.views.charts import Charts
from django_celery_monitor.views.links import Link
from django_celery_monitor.views.offers import Offers
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import rows, tasks_for
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.views.sorting import Key, chosen, headings, ordered

SHOWN: Final = 50
MOST: Final = 500
LATEST: Final = 10
DEFAULT_RANGE: Final = "24h"
KEYS: Final[dict[str, Key[Totals]]] = {
    "name": lambda each: each.label,
    "runs": lambda each: each.ended,
    "change": lambda each: each.change,
    "succeeded": lambda each: each.succeeded,
    "failed": lambda each: each.failed,
    "retried": lambda each: each.retried,
    "p50": lambda each: each.runtimes[0],
    "p95": lambda each: each.runtimes[1],
    "p99": lambda each: each.runtimes[2],
    "w50": lambda each: each.waits[0],
    "w95": lambda each: each.waits[1],
    "w99": lambda each: each.waits[2],
    "total": lambda each: each.seconds,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRow:
    """``share``: of the run time of all types together, from 0 to 1."""

    totals: Totals
    share: float
    trend: list[int]
    failed_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRow:
    kind: str
    number: int
    last: Any
    type: str
    url: str


@page(VIEW_TASK)
def types(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    window = window_of({"range": DEFAULT_RANGE, **request.GET.dict()}, now)
    found = totals(request.user, Grain.NAME, window, now)
    sort = chosen(request, KEYS, "-total")
    limit = MOST if request.GET.get("rows") == "all" else SHOWN
    shown = ordered(found, KEYS, sort)[:limit]
    context = {
        "section": "types",
        "now": now,
        "window": window,
        "ranges": ranges(request, window),
        "headings": headings(request, KEYS, sort),
        "rows": _rows(request, shown, window, sum(each.seconds for each in found)),
        "all_url": this_page(request, rows="all") if len(found) > len(shown) else "",
        "type_count": len(found),
        "own_only": own_only(request.user, Grain.NAME),
        "run_count": sum(each.ended for each in found),
        "seconds": sum(each.seconds for each in found),
    }
    return render_page(request, "types.html", context)


@page(VIEW_TASK)
def type_(request: HttpRequest, name: str) -> HttpResponse:
    now, user = timezone.now(), request.user
    charts = Charts(request, now, of=("name", name))
    window = charts.window
    figures = one(user, Grain.NAME, name, window, now)
    latest = page_of(tasks_for(user), And((Term("name", name),)), size=LATEST).items
    workers = ever(user, TaskTotals.Grain.WORKER, name=name)
    if not (latest or workers or figures.ended or figures.received):
        raise Http404(_("No task of this type is kept or counted in this time."))
    context = {
        "section": "types",
        "now": now,
        "name": name,
        "charts": charts,
        "totals": figures,
        "runtimes": histogram(figures.figures.bins("runtime_bins")),
        "errors": _errors(request, name, window),
        "workers": workers,
        "queues": ever(user, TaskTotals.Grain.QUEUE, name=name),
        "rows": rows(user, latest),
        "list_url": of_tasks(name=name),
        "failed_url": of_tasks(state="failed", name=name, failed=_instant(window)),
        "retrying_url": of_tasks(state="retrying", name=name),
        "offer": Offers(request).of("send", label=_("Send one"), task=name),
        "payload": get_policy().can(user, VIEW_TASK_ARGUMENTS),
        "may_see_workers": get_policy().can(user, VIEW_WORKER),
    }
    return render_page(request, "type.html", context)


def ranges(request: HttpRequest, window: Window) -> list[Link]:
    """The choice of range; a stretch between two times gives way to it."""
    return [
        Link(
            label=key,
            url=this_page(request, range=key, **{"from": "", "to": ""}),
            current=key == window.key,
        )
        for key in RANGES
    ]


def _rows(
    request: HttpRequest, shown: list[Totals], window: Window, seconds: float
) -> list[TypeRow]:
    lines = trends(request.user, Grain.NAME, window, [each.label for each in shown])
    return [
        TypeRow(
            totals=each,
            share=each.seconds / seconds if seconds else 0.0,
            trend=lines[each.label],
            failed_url=of_tasks(state="failed", name=each.label, failed=_instant(window)),
        )
        for each in shown
    ]


def _errors(request: HttpRequest, name: str, window: Window) -> list[ErrorRow]:
    found = failures.of_task(request.user, name, window.start)
    samples = failures.samples(request.user, ((kind, last) for kind, _number, last in found))
    return [
        ErrorRow(
            kind=kind,
            number=number,
            last=last,
            type=samples[kind].type if kind in samples else kind,
            url=of_tasks(state="failed", name=name, error=kind, failed=_instant(window)),
        )
        for kind, number, last in found
    ]


def _instant(window: Window) -> str:
    return window.start.isoformat().replace("+00:00", "Z")
