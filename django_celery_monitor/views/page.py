"""The one decorator around every page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import etag, require_safe

from django_celery_monitor.access import policy
from django_celery_monitor.access.acts import ACTS
from django_celery_monitor.access.decorators import require
from django_celery_monitor.access.who import why_not
from django_celery_monitor.filters import FilterError
from django_celery_monitor.models import Installation
from django_celery_monitor.reading import clock
from django_celery_monitor.views.security import harden
from django_celery_monitor.views.shell import REVISION, render_page
from django_celery_monitor.views.zone import as_chosen

View = Callable[..., HttpResponse]
# Takes the request, the status, a title and the reason.
Refusal = Callable[[HttpRequest, int, str, str], HttpResponse]
# Each opens a part of some page, or a control on it.
RIGHTS = tuple(act.codename for act in ACTS)
# Health and ages depend on the clock, so a page is new after so many seconds at the latest.
TICK = 15


def page(
    act: str, refusal: Refusal | None = None, also: Callable[..., object] | None = None
) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Let those through who may ``act``, answer 304 to who has it already, explain refusals.

    ``refusal`` explains them elsewhere; ``also``: what else is shown that is no stored event.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        gated = require(act)(etag(_version_with(also))(view))
        return require_safe(wraps(view)(refused(gated, act, refusal)))

    return decorate


def refused(
    view: Callable[..., HttpResponseBase],
    act: str = policy.VIEW_TASK,
    refusal: Refusal | None = None,
) -> Callable[..., HttpResponseBase]:
    """Hardens what ``view`` answers, and explains why it does not; ``act`` is what opens it."""
    refuse = refusal or _refusal

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with as_chosen(request):
            return explained(request, *args, **kwargs)

    def explained(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return harden(view(request, *args, **kwargs))
        except FilterError as error:
            return harden(refuse(request, 400, _("This filter does not work"), str(error)))
        except PermissionDenied as error:
            reason = str(error) or why_not(act)
            return harden(refuse(request, 403, _("Not for your eyes"), reason))
        except Http404 as error:
            return harden(refuse(request, 404, _("Not found"), str(error)))

    return answer


def _version_with(also: Callable[..., object] | None) -> Callable[..., str]:
    def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> str:
        return version(request, also(request, *args, **kwargs) if also else None)

    return whole


def version(request: HttpRequest, also: object) -> str:
    """Equal as long as the page would be: same reader, rights, language, address and rows."""
    revision = Installation.objects.filter(pk=1).values_list("writes", flat=True).first()
    # Read before the rows, so that a page never claims to be newer than it is.
    request.META[REVISION] = revision
    can = policy.get_policy().can
    parts = (
        revision,
        also,
        timezone.now().timestamp() // TICK,
        request.user.pk,
        # Signing in renews it, and with it the token in the page's form.
        getattr(getattr(request, "session", None), "session_key", None),
        [can(request.user, act) for act in RIGHTS],
        request.get_full_path(),
        translation.get_language(),
        timezone.get_current_timezone_name(),
        clock.chosen(),
        static("django_celery_monitor/dist/monitor.css"),
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _refusal(request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    plain = request.path if status == HTTPStatus.BAD_REQUEST else ""
    context = {"heading": title, "reason": reason, "plain_url": plain}
    return render_page(request, "refusal.html", context, status=status)
