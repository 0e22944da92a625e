"""Storing the history, once."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from django_celery_monitor.pipeline import Pipeline
from example_project.demo.history.week import Week
from example_project.demo.models import BackFill


def back_fill(days: float, progress: Callable[[float], None]) -> None:
    """Store ``days`` of history before now, unless it was done; then nothing happens.

    An interrupted run is simply repeated: storing an event twice changes nothing.
    """
    stamp = BackFill.objects.first()
    if stamp is None:
        until = timezone.now().replace(second=0, microsecond=0)
        stamp = BackFill.objects.create(until=until, days=days)
    if stamp.finished or not stamp.days:
        return
    week = Week(stamp.until.timestamp(), stamp.days)
    pipeline = Pipeline()
    for at, bodies in week.batches():
        pipeline.store(bodies, arrived=at)
        progress((at - week.start) / (week.until - week.start))
    stamp.finished = True
    stamp.save()
