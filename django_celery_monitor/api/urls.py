"""The REST API, mounted by the app's own ``urls`` when django-ninja is installed."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
