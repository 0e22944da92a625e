from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import VIEW_BAD_EVENT, VIEW_COLLECTOR
from django_celery_monitor.admin.base import ReadOnlyAdmin
from django_celery_monitor.models import BadEvent, CollectorRun


class CollectorRunAdmin(ReadOnlyAdmin[CollectorRun]):
    act = VIEW_COLLECTOR
    view_on_site = False
    fields = (
        *("node", "pid", "transport", "started_at", "last_seen_at", "committed_at", "ended_at"),
        *("events", "bad_events", "lag"),
    )
    list_display = ("node", "listens", "transport", "started_at", "last_seen_at", "events", "lag")
    search_fields = ("node",)

    @admin.display(description=_("listening"), boolean=True)
    def listens(self, run: CollectorRun) -> bool:
        return run.is_listening()


class BadEventAdmin(ReadOnlyAdmin[BadEvent]):
    act = VIEW_BAD_EVENT
    payload = ("body",)
    view_on_site = False
    fields = ("arrived_at", "reason", "body")
    list_display = ("reason", "arrived_at")
    search_fields = ("reason",)
