"""What Celery's signals and the process's own life mean for the recorder."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from celery.signals import (
    after_task_publish,
    beat_init,
    worker_process_shutdown,
)
from django.utils.module_loading import import_string

from django_celery_monitor.conf import get_settings
from django_celery_monitor.recorder.capture import capture
from django_celery_monitor.recorder.outbox import Outbox
from django_celery_monitor.recorder.writer import PERIODIC

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

UID: Final = "celery_monitor.recorder"
# Seconds that the end of a process, and a fork, may take longer.
_AT_EXIT: Final = 2.0
_AT_FORK: Final = 0.2

_outboxes: dict[Celery, Outbox] = {}
_said: set[str] = set()


def connect() -> None:
    """Record what this process publishes, while the setting ``RECORD`` is on."""
    after_task_publish.connect(hand_over, weak=False, dispatch_uid=UID)
    beat_init.connect(name_entries, dispatch_uid=UID)
    worker_process_shutdown.connect(flush, dispatch_uid=UID)
    atexit.register(flush)
    # A process forks best with no thread beside it; what waits is sent once, by the parent.
    os.register_at_fork(before=_flush_before_fork, after_in_child=_forget)


def hand_over(
    *,
    headers: dict[str, Any],
    body: Any,
    exchange: Any = "",
    routing_key: str = "",
    **_told: Any,
) -> None:
    """The task is published, and its caller still waits: take it down, tell of it soon."""
    try:
        settings = get_settings()
        if settings.RECORD:
            origin = _origin(settings.RECORD_ORIGIN) if settings.RECORD_ORIGIN else None
            captured = capture(headers, body, exchange, routing_key, settings, origin)
            (_outboxes.get(captured.app) or _outbox(captured.app)).add(captured)
    # Whatever it is, the caller's task is published.
    except Exception as error:
        _say_once("tell of a task", error)


def name_entries(sender: Any = None, **_told: Any) -> None:
    """Let each task that beat sends say by which entry of the schedule."""
    if not get_settings().RECORD:
        return
    for name, entry in sender.scheduler.schedule.items():
        options = entry.options or {}
        # Copied, because entries may share what the project wrote once.
        headers = {PERIODIC: name} | (options.get("headers") or {})
        entry.options = options | {"headers": headers}


def flush(**_told: Any) -> None:
    """Send what waits, now, and wait for it, but not long."""
    for outbox in tuple(_outboxes.values()):
        outbox.flush(_AT_EXIT)


def _flush_before_fork() -> None:
    for outbox in tuple(_outboxes.values()):
        outbox.flush(_AT_FORK)


def _forget() -> None:
    for outbox in _outboxes.values():
        outbox.forget()


def _outbox(app: Celery) -> Outbox:
    # Of two threads that make one at once, both use the same.
    return _outboxes.setdefault(app, Outbox(app))


@cache
def _origin(path: str) -> Callable[[], object] | None:
    try:
        ask: Callable[[], object] = import_string(path)
    except ImportError as error:
        _say_once("import RECORD_ORIGIN", error)
        return None

    def told() -> object:
        try:
            return ask() or ""
        # It is the project's own, and its errors are not the publisher's.
        except Exception as error:
            _say_once("ask for the origin", error)
            return ""

    return told


def _say_once(what: str, error: Exception) -> None:
    """Where a million tasks are published, one line has to do."""
    if what not in _said:
        _said.add(what)
        logger.warning(
            "The recorder could not %s: %r", what, error, extra={"action": "recorder_failed"}
        )
