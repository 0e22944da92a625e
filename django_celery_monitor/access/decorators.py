"""The gate in front of every page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix, is_valid_path, reverse

from django_celery_monitor.access.policy import get_policy, is_read_only
from django_celery_monitor.access.who import read_only_reason, why_not
from django_celery_monitor.conf import get_settings

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def require(act: str) -> Callable[[View[P]], View[P]]:
    """Let only those through who may ``act``: others sign in first, or get 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if get_policy().can(request.user, act):
                return view(request, *args, **kwargs)
            url = None if request.user.is_authenticated else login_url()
            if url is None:
                raise PermissionDenied(why_not(act))
            return redirect_to_login(request.get_full_path(), url)

        return gate

    return decorate


def changing(view: View[P]) -> View[P]:
    """For what changes something without a right of its own: closed by ``READ_ONLY``."""

    @wraps(view)
    def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_read_only():
            raise PermissionDenied(read_only_reason())
        return view(request, *args, **kwargs)

    return gate


def login_url() -> str | None:
    """Where to sign in: our setting, else the project's page when it exists, else the admin's."""
    chosen = get_settings().LOGIN_URL
    if chosen:
        return resolve_url(chosen)
    with suppress(NoReverseMatch):
        url = resolve_url(settings.LOGIN_URL)
        if _answers(url):
            return url
    # A new project keeps Django's default LOGIN_URL without a page behind it.
    with suppress(NoReverseMatch):
        return reverse("admin:login")
    return None


def _answers(url: str) -> bool:
    """Whether there is a page; of another site's, only its own project can say."""
    parts = urlsplit(url)
    if parts.netloc:
        return True
    # ``resolve`` knows nothing of a prefix that the server mounts the project under.
    path = "/" + parts.path.removeprefix(get_script_prefix())
    return bool(is_valid_path(path))
