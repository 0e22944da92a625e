from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_TASK_ARGUMENTS, get_policy
from django_celery_monitor.overview import overview as look
from django_celery_monitor.reading.burning import delayed, failing, kinds
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.views.charts import Charts
from django_celery_monitor.views.page import page
from django_celery_monitor.views.shell import render_page


@page(VIEW_TASK)
def overview(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    heard = listening(now)
    charts = Charts(request, now, heard=heard)
    seen = look(now, request.user, charts.reading, heard)
    context = {
        "section": "overview",
        "now": now,
        "overview": seen,
        "collector": seen.collector,
        "charts": charts,
        "failing": failing(charts.reading),
        "delayed": delayed(charts.reading),
        "kinds": kinds(charts.reading),
        "payload": get_policy().can(request.user, VIEW_TASK_ARGUMENTS),
    }
    return render_page(request, "overview.html", context)
