from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoCeleryMonitorConfig(AppConfig):
    name = "django_celery_monitor"
    verbose_name = _("Celery monitor")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing registers the system checks and Celery's start-up signal.
        from django_celery_monitor import checks  # noqa: F401
        from django_celery_monitor.control import task_events  # noqa: F401
        from django_celery_monitor.recorder import receivers

        receivers.connect()
