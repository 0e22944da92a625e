"""A small Celery app, as any Django project has one."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")

app = Celery("tests.project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tests.project"])
app.conf.imports = ["tests.project.journal"]


def client_app(*, broker_url: str, result_backend: str) -> Celery:
    """An app on another broker, for a test to send from; `app` stays the current one.

    It leaves the settings alone: Celery before 5.7 would put their broker over the one given.
    """
    return Celery("tests.client", broker=broker_url, backend=result_backend, set_as_current=False)
