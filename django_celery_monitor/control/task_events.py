"""Switching task events on: in workers that start, and in those already running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.signals import celeryd_init

from django_celery_monitor.conf import get_settings

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection


@celeryd_init.connect(dispatch_uid="celery_monitor.task_events")
def send_task_events(*, conf: Any = None, **_kwargs: Any) -> None:
    """Let the starting worker send task events, as ``celery worker -E`` would."""
    # The signal comes before the worker reads its own defaults, so this reaches it.
    if conf is not None and get_settings().ENABLE_EVENTS:
        conf.worker_send_task_events = True


def enable_events(app: Celery, connection: Connection) -> None:
    """Ask every running worker to send task events; waits for no reply, nor for a broker."""
    # Left alone, it would try to connect for ever.
    connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
    app.control.enable_events(connection=connection)
