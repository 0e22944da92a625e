"""The numbers of a chart as JSON, for whoever draws one elsewhere."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK
from django_celery_monitor.filters import FilterError
from django_celery_monitor.reading.series import GRAINS
from django_celery_monitor.views.chart import TITLES
from django_celery_monitor.views.charts import Charts, cannot_split
from django_celery_monitor.views.page import page

KNOWN: Final = frozenset({"measure", "group", "percentile", "range", "from", "to", *GRAINS})


def _refusal(_request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    return JsonResponse({"title": title, "status": status, "detail": reason}, status=status)


@page(VIEW_TASK, refusal=_refusal)
def series(request: HttpRequest) -> HttpResponse:
    """One chart of everything, or of one type, queue or worker."""
    given = request.GET
    measure = given.get("measure", "throughput")
    if measure not in TITLES:
        raise FilterError(
            _("%(value)s is not a measure: use %(known)s.")
            % {"value": measure[:40], "known": ", ".join(TITLES)}
        )
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise FilterError(_("%(name)s is not known here.") % {"name": unknown[0][:40]})
    chosen = [(field, given[field]) for field in GRAINS if given.get(field)]
    if len(chosen) > 1:
        raise FilterError(cannot_split(chosen[0][0], chosen[1][0]))
    charts = Charts(request, timezone.now(), chosen[0] if chosen else None)
    if charts.refused:
        raise FilterError(charts.refused)
    return JsonResponse(charts.chart(measure, charts.group).data)
