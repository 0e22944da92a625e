"""Errors as problem details (RFC 9457), so that programs can tell them apart."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError

from django_celery_monitor.access.who import why_not
from django_celery_monitor.control.errors import (
    BadParametersError,
    ControlError,
    UnavailableError,
)
from django_celery_monitor.filters import FilterError

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    content = {
        **more,
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return HttpResponse(orjson.dumps(content), status=status, content_type=MEDIA_TYPE)


def forbidden(codename: str) -> HttpError:
    """What to raise when the right of that codename is missing."""
    return HttpError(403, why_not(codename))


def explain_errors(api: NinjaAPI) -> None:
    """Make ``api`` answer with problem details."""

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, error: Exception) -> HttpResponse:
        return problem(401, _("Sign in first: the API takes the session of the pages."))

    @api.exception_handler(FilterError)
    def unclear(request: HttpRequest, error: Exception) -> HttpResponse:
        return problem(400, str(error))

    @api.exception_handler(ControlError)
    def undone(request: HttpRequest, error: ControlError) -> HttpResponse:
        return _undone(error)

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Exception) -> HttpResponse:
        return problem(404, str(error))

    @api.exception_handler(HttpError)
    def other(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, error.message)


def _undone(error: ControlError) -> HttpResponse:
    more: dict[str, Any] = {}
    if isinstance(error, BadParametersError):
        more["problems"] = error.problems
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        away = error if isinstance(error, UnavailableError) else None
        more["sent"] = away is not None and away.sent
        more["action"] = away.action.pk if away and away.action else None
    return problem(error.status, str(error), **more)
