"""Who tries an act without the right is recorded, and refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from django_celery_monitor.api.bodies import body_of
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.denials import Attempt
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.control.perform import refuse
from django_celery_monitor.models import ControlAction


def trying(act: Act) -> Callable[[HttpRequest], None]:
    """For ``auth.Session``."""

    def tried(request: HttpRequest) -> None:
        given = _given(request)
        reason, source = given.pop("reason", ""), ControlAction.Source.API
        refuse(Attempt(user=request.user, act=act, given=given, reason=reason, source=source))

    return tried


def _given(request: HttpRequest) -> dict[str, Any]:
    try:
        return body_of(request)
    except BadParametersError:
        return {}
