"""A shop whose Celery tasks are watched: start it with ``make demo``, copy from it freely."""

from __future__ import annotations

from example_project.celery import app as celery_app

__all__ = ["celery_app"]
