from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "example_project.demo"
    verbose_name = "Demo"
    default_auto_field = "django.db.models.BigAutoField"
