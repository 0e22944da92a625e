from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import VIEW_WORKER
from django_celery_monitor.admin.acting import ActingAdmin
from django_celery_monitor.admin.base import page_of
from django_celery_monitor.models import Worker
from django_celery_monitor.reading.listening import listening
from django_celery_monitor.workers import worker_health


class WorkerAdmin(ActingAdmin[Worker]):
    act = VIEW_WORKER
    acts = (
        *("pool_grow", "pool_shrink", "pool_restart", "autoscale", "rate_limit", "time_limit"),
        *("add_consumer", "cancel_consumer", "enable_events", "disable_events", "heartbeat"),
        "shutdown",
    )
    target = "workers"
    fields = (
        *("hostname", "pid", "active", "processed", "loadavg", "freq", "heartbeat_at"),
        *("online_at", "offline_at", "first_seen_at", "arrived_at", "sw_ident", "sw_ver", "sw_sys"),
        "clock_offset",
    )
    list_display = ("hostname", "heartbeat_at", "active", "processed", "clock_offset", "sw_ver")
    search_fields = ("hostname",)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        now = timezone.now()
        listened = listening(now).seconds(now)

        @admin.display(description=_("health"))
        def health(worker: Worker) -> str:
            return worker_health(worker, now, listened).value

        return ("hostname", health, *self.list_display[1:])

    def view_on_site(self, worker: Worker) -> str | None:
        return page_of("worker", worker.hostname)
