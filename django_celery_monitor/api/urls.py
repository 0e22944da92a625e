"""The REST API, mounted by the app's own ``urls`` when django-ninja is installed."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from django_celery_monitor.api.api import api

ninja_urls = api.urls
for pattern in ninja_urls[0]:
    # Django's LoginRequiredMiddleware would send programs to a login page; we answer 401.
    pattern.callback.login_required = False  # type: ignore[union-attr]

urlpatterns: list[URLPattern | URLResolver] = [path("", ninja_urls)]
