"""Addresses of lists and pages, with their parameters."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode


def of_tasks(**filters: str) -> str:
    """The list of tasks under these filters."""
    return f"{reverse('celery_monitor:tasks')}?{urlencode(filters)}"


def this_page(request: HttpRequest, **values: str) -> str:
    """The page that is asked for, with other parameters; an empty one is left out."""
    params = request.GET.copy()
    for key, value in values.items():
        params.setlist(key, [value] if value else [])
    text = params.urlencode()
    return request.path + (f"?{text}" if text else "")
