"""Who may ask. Every operation names the right it needs; there is no default that lets in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from ninja.security import SessionAuth

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_WORKER, get_policy
from django_celery_monitor.api.errors import forbidden, problem


class Session(SessionAuth):
    """Django's session, of somebody who may do one ``act``.

    ``tried`` may raise a ``ControlError`` of its own for who is signed in.
    """

    def __init__(self, act: str, tried: Callable[[HttpRequest], None] | None = None) -> None:
        self.act = act
        self._tried = tried
        super().__init__()

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        if self._tried is not None and request.user.is_authenticated:
            self._tried(request)
        if get_policy().can(request.user, self.act):
            return request.user
        if request.user.is_authenticated:
            raise forbidden(self.act)
        return None


def viewers_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what describes the API: whoever may see anything may see that."""

    @wraps(view)
    @require_safe
    def gate(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        can = get_policy().can
        if can(request.user, VIEW_TASK) or can(request.user, VIEW_WORKER):
            return view(request, **kwargs)
        if request.user.is_authenticated:
            return problem(403, _("Your account lacks the right to see this."))
        return problem(401, _("Sign in first: the API takes the session of the pages."))

    return gate
