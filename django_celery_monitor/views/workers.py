"""All workers: the troubled ones first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_WORKER
from django_celery_monitor.reading.fleet import Fleet, fleet
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.reading.words import HEALTH
from django_celery_monitor.state.worker import Health
from django_celery_monitor.views.page import page
from django_celery_monitor.views.shell import render_page

# Longer than any host name.
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLink:
    """Of all workers that are shown but for their health, those of one."""

    label: str
    url: str
    count: int
    icon: str
    current: bool


@page(VIEW_WORKER)
def workers(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    heard = listening(now)
    text = request.GET.get("q", "").strip()[:_LONGEST]
    health = request.GET.get("health", "")
    health = health if health in set(Health) else ""
    found = fleet(request.user, now, heard, text, health)
    context = {
        "section": "workers",
        "now": now,
        "collector": heard,
        "fleet": found,
        "text": text,
        "health": health,
        "healths": list(_links(found, text, health)),
        "is_filtered": bool(text or health),
    }
    return render_page(request, "workers.html", context)


def _links(found: Fleet, text: str, chosen: str) -> Iterator[HealthLink]:
    yield HealthLink(
        label=_("All"), url=_url(text, ""), count=found.total, icon="", current=not chosen
    )
    for health, label in HEALTH.items():
        if found.healths[health] or health == chosen:
            yield HealthLink(
                label=str(label),
                url=_url(text, health),
                count=found.healths[health],
                icon=health,
                current=health == chosen,
            )


def _url(text: str, health: str) -> str:
    params = QueryDict(mutable=True)
    params.update({key: value for key, value in (("q", text), ("health", health)) if value})
    query = params.urlencode()
    return reverse("celery_monitor:workers") + (f"?{query}" if query else "")
