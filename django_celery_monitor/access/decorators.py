"""The gate in front of every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.conf import get_settings

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def require(act: str) -> Callable[[View[P]], View[P]]:
    """Let only those through who may ``act``: others sign in first, or get 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def gate(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), login_url())
            if not get_policy().can(request.user, act):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return gate

    return decorate


def login_url() -> str:
    """Where to sign in: our setting, else the project's page when it exists, else the admin's."""
    chosen = get_settings().LOGIN_URL
    if chosen:
        return resolve_url(chosen)
    url: Any = settings.LOGIN_URL
    try:
        url = resolve_url(url)
        resolve(url.partition("?")[0])
    except (NoReverseMatch, Resolver404):
        # A new project keeps Django's default LOGIN_URL without a page behind it.
        return reverse("admin:login")
    return str(url)
