"""The doors of acts: who may not is refused, and that it was tried is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from django_celery_monitor.access.decorators import require
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.denials import Attempt
from django_celery_monitor.control.errors import DeniedError
from django_celery_monitor.control.perform import refuse
from django_celery_monitor.models import ControlAction
from django_celery_monitor.views.page import refused

View = Callable[..., HttpResponseBase]
# From the request, and what its address names, to the parameters as they were given.
Given = Callable[..., Mapping[str, Any]]


def door(act: Act, given: Given) -> Callable[[View], View]:
    """A page that is looked at, and whose form does ``act``."""

    def decorate(view: View) -> View:
        gated = require(act.codename)(view)

        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                tried(request, act, given(request, *args, **kwargs), ControlAction.Source.PAGE)
            return gated(request, *args, **kwargs)

        posting = require_http_methods(["GET", "HEAD", "POST"])(csrf_protect(gate))
        return refused(posting, act.codename)

    return decorate


def tried(request: HttpRequest, act: Act, given: Mapping[str, Any], source: str) -> None:
    """Refuses who may not (``PermissionDenied``) and records it; strangers are to sign in."""
    if not request.user.is_authenticated:
        return
    reason = request.POST.get("reason", "")
    attempt = Attempt(user=request.user, act=act, given=given, reason=reason, source=source)
    try:
        refuse(attempt)
    except DeniedError as error:
        raise PermissionDenied(str(error)) from error
