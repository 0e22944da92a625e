"""What every page shows around its own content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import (
    VIEW_ACTION,
    VIEW_TASK,
    VIEW_WORKER,
    get_policy,
    is_read_only,
)
from django_celery_monitor.access.who import read_only_reason
from django_celery_monitor.conf import get_settings
from django_celery_monitor.reading import clock, words
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.reading.uncounted import narrowed
from django_celery_monitor.views.acted import acted, forgetting
from django_celery_monitor.views.addresses import address
from django_celery_monitor.views.appearance import back_link, environment_color, logo
from django_celery_monitor.views.zone import SERVER_ZONE

# In ``request.META``: the revision of the rows that a page is made of.
REVISION = "celery_monitor.revision"


# Name of the address, key after ``g``, the right that opens it, label. Without address, not shown.
SECTIONS: Final = (
    ("overview", "o", VIEW_TASK, gettext_lazy("Overview")),
    ("tasks", "t", VIEW_TASK, gettext_lazy("Tasks")),
    ("types", "y", VIEW_TASK, gettext_lazy("Types")),
    ("failures", "f", VIEW_TASK, gettext_lazy("Failures")),
    ("workers", "w", VIEW_WORKER, gettext_lazy("Workers")),
    ("queues", "q", VIEW_TASK, gettext_lazy("Queues")),
    ("operations", "b", VIEW_TASK, gettext_lazy("Operations")),
    ("audit", "a", VIEW_ACTION, gettext_lazy("Audit")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``letter`` opens it, after ``g``."""

    label: str
    url: str
    key: str
    letter: str


def render_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    """A page of ours; ``context`` may bring its own ``now`` and ``collector``."""
    now = timezone.now()
    settings = get_settings()
    shell: dict[str, Any] = {
        "site_title": settings.TITLE,
        "environment": settings.ENVIRONMENT,
        "environment_color": environment_color(settings),
        "logo": logo(settings),
        "back_link": back_link(settings),
        "reader": request.user,
        "narrowed": narrowed(request.user),
        "read_only": read_only_reason() if is_read_only() else "",
        "sections": _sections(request),
        "live_url": address("celery_monitor:live") if settings.LIVE else "",
        "admin_url": _resolved("admin:index") if getattr(request.user, "is_staff", False) else "",
        "logout_url": _resolved("admin:logout"),
        "now": now,
        "zone": timezone.get_current_timezone_name(),
        "clock": clock.chosen(),
        "server_zone": request.META.get(SERVER_ZONE, ""),
        # A refusal stays as it is; asking for it again and again would only fill logs.
        "revision": request.META.get(REVISION),
        "still": status != HTTPStatus.OK,
        "words": words.for_scripts(),
        "acted": acted(request),
        **context,
    }
    if "collector" not in shell:
        shell["collector"] = listening(now)
    response = render(request, f"django_celery_monitor/{template}", shell, status=status)
    return forgetting(response) if shell["acted"] else response


def _sections(request: HttpRequest) -> list[Section]:
    policy = get_policy()
    rights = {act: policy.can(request.user, act) for _key, _letter, act, _label in SECTIONS}
    return [
        Section(label=str(label), url=url, key=key, letter=letter)
        for key, letter, act, label in SECTIONS
        if rights[act] and (url := _resolved(f"celery_monitor:{key}"))
    ]


def _resolved(name: str) -> str:
    """The address of a page that the project may not have."""
    try:
        return address(name)
    except NoReverseMatch:
        return ""
