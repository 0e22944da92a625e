"""What every page shows around its own content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_WORKER, get_policy
from django_celery_monitor.conf import get_settings
from django_celery_monitor.reading import words
from django_celery_monitor.reading.listening import listening

# In ``request.META``: the revision of the rows that a page is made of.
REVISION = "celery_monitor.revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    label: str
    url: str
    key: str


def render_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    """A page of ours; ``context`` may bring its own ``now`` and ``collector``."""
    now = timezone.now()
    settings = get_settings()
    shell: dict[str, Any] = {
        "site_title": settings.TITLE,
        "environment": settings.ENVIRONMENT,
        "reader": request.user,
        "sections": _sections(request),
        "live_url": reverse("celery_monitor:live") if settings.LIVE else "",
        "admin_url": _resolved("admin:index") if getattr(request.user, "is_staff", False) else "",
        "logout_url": _resolved("admin:logout"),
        "now": now,
        # A refusal stays as it is; asking for it again and again would only fill logs.
        "revision": request.META.get(REVISION),
        "still": status != HTTPStatus.OK,
        "words": words.for_scripts(),
        **context,
    }
    if "collector" not in shell:
        shell["collector"] = listening(now)
    return render(request, f"django_celery_monitor/{template}", shell, status=status)


def _sections(request: HttpRequest) -> list[Section]:
    can = get_policy().can
    found = []
    if can(request.user, VIEW_TASK):
        found.append(_section("overview", _("Overview")))
        found.append(_section("tasks", _("Tasks")))
    if can(request.user, VIEW_WORKER):
        found.append(_section("workers", _("Workers")))
    return found


def _section(key: str, label: str) -> Section:
    return Section(label=label, url=reverse(f"celery_monitor:{key}"), key=key)


def _resolved(name: str) -> str:
    """The address of a page that the project may not have."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
