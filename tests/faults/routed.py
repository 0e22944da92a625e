"""Settings of a project that gives our models a database of their own."""

from __future__ import annotations

import os

from tests.project.settings import *  # noqa: F403
from tests.project.settings import DATABASES, database

# The other one has no tables of ours: what goes there by mistake fails.
DATABASES["default"] = database("sqlite:///:memory:")
DATABASES["monitor"] = database(os.environ["TEST_DATABASE_URL"])
DATABASE_ROUTERS = ["tests.faults.routed.Router"]


class Router:
    def db_for_read(self, model, **hints):
        return "monitor" if model._meta.app_label == "django_celery_monitor" else None

    db_for_write = db_for_read
