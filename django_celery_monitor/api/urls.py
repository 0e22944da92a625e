"""The REST API, mounted by the app's own ``urls`` when django-ninja is installed."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, path

from django_celery_monitor.access.at_once import at_once
from django_celery_monitor.api.api import api

ninja_urls = api.urls
for pattern in ninja_urls[0]:
    view: Any = pattern.callback
    # Django's LoginRequiredMiddleware would send programs to a login page; we answer 401.
    view.login_required = False
    at_once(view)

urlpatterns: list[URLPattern | URLResolver] = [path("", ninja_urls)]
