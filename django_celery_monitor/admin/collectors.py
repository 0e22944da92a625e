from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import VIEW_BAD_EVENT, VIEW_COLLECTOR
from django_celery_monitor.admin.base import ReadOnlyAdmin
from django_celery_monitor.models import BadEvent, CollectorRun, Gap


class CollectorRunAdmin(ReadOnlyAdmin[CollectorRun]):
    act = VIEW_COLLECTOR
    view_on_site = False
    fields = (
        *("node", "pid", "transport", "started_at", "last_seen_at", "committed_at", "ended_at"),
        *("ended_by", "events", "bad_events", "late_events"),
        *("rate", "lag", "batch_seconds", "queue_depth"),
    )
    list_display = (
        *("node", "listens", "transport", "started_at", "last_seen_at", "ended_by"),
        *("events", "rate", "lag", "queue_depth"),
    )
    search_fields = ("node",)

    @admin.display(description=_("listening"), boolean=True)
    def listens(self, run: CollectorRun) -> bool:
        return run.is_listening()


class GapAdmin(ReadOnlyAdmin[Gap]):
    # Who may see when collectors ran may see when none did.
    act = VIEW_COLLECTOR
    view_on_site = False
    fields = list_display = ("started_at", "ended_at", "reason", "transport")
    search_fields = ("reason",)


class BadEventAdmin(ReadOnlyAdmin[BadEvent]):
    act = VIEW_BAD_EVENT
    payload = ("body",)
    view_on_site = False
    fields = ("arrived_at", "reason", "whole", "body")
    list_display = ("reason", "arrived_at", "whole")
    search_fields = ("reason",)
