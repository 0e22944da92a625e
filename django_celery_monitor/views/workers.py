from __future__ import annotations

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
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.views.charts import Charts
from django_celery_monitor.views.page import page
from django_celery_monitor.views.rows import rows, tasks_for
from django_celery_monitor.views.shell import render_page
from django_celery_monitor.workers import one_worker, worker_list


@page(VIEW_WORKER)
def workers(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    heard = listening(now)
    context = {
        "section": "workers",
        "now": now,
        "collector": heard,
        "workers": worker_list(request.user, now, heard),
    }
    return render_page(request, "workers.html", context)


@page(VIEW_WORKER)
def worker(request: HttpRequest, hostname: str) -> HttpResponse:
    now = timezone.now()
    heard = listening(now)
    view = one_worker(request.user, now, hostname, heard)
    if view is None:
        raise Http404(_("No worker of this name has been seen."))
    may_see_tasks = get_policy().can(request.user, VIEW_TASK)
    of_worker = And((Term("worker", hostname),))
    tasks = page_of(tasks_for(request.user), of_worker).items if may_see_tasks else []
    context = {
        "section": "workers",
        "now": now,
        "collector": heard,
        "view": view,
        "may_see_tasks": may_see_tasks,
        "rows": rows(request.user, tasks),
        "payload": get_policy().can(request.user, VIEW_TASK_ARGUMENTS),
        "charts": Charts(request, now, of=("worker", hostname), heard=heard),
    }
    return render_page(request, "worker.html", context)
