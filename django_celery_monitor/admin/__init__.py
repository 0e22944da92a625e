"""Read-only admin pages that stay fast on big tables; the monitor's own pages show more."""

from __future__ import annotations

from django.contrib import admin

from django_celery_monitor.admin.actions import ControlActionAdmin
from django_celery_monitor.admin.collectors import BadEventAdmin, CollectorRunAdmin, GapAdmin
from django_celery_monitor.admin.tasks import TaskAdmin, TaskErrorAdmin
from django_celery_monitor.admin.workers import WorkerAdmin
from django_celery_monitor.models import (
    BadEvent,
    CollectorRun,
    ControlAction,
    Gap,
    Task,
    TaskError,
    Worker,
)

admin.site.register(Task, TaskAdmin)
admin.site.register(TaskError, TaskErrorAdmin)
admin.site.register(Worker, WorkerAdmin)
admin.site.register(CollectorRun, CollectorRunAdmin)
admin.site.register(Gap, GapAdmin)
admin.site.register(BadEvent, BadEventAdmin)
admin.site.register(ControlAction, ControlActionAdmin)
