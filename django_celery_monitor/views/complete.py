"""What the search box offers while somebody types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_safe

from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.policy import VIEW_TASK
from django_celery_monitor.reading.completing import proposals
from django_celery_monitor.reading.words import count
from django_celery_monitor.views.page import refused

LONGEST = 300


@refused
@require(VIEW_TASK)
@require_safe
def complete(request: HttpRequest) -> HttpResponseBase:
    word = request.GET.get("word", "")[:LONGEST]
    items = [
        {
            "insert": each.insert,
            "label": each.label,
            "hint": each.hint,
            "count": count(each.count) if each.count else "",
        }
        for each in proposals(request.user, word)
    ]
    return JsonResponse({"items": items})
