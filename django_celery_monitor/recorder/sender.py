"""Who publishes: what Celery's signals do not say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from celery import current_app

if TYPE_CHECKING:
    from celery import Celery

_FARTHEST: Final = 8


class Sender(NamedTuple):
    app: Celery
    serializer: str


def sender() -> Sender:
    """Of the task whose ``before_task_publish`` is being handled.

    The signal names neither the app nor the serializer, and both may differ with every call. The
    function that sends it has them in its variables; where it is not found, the current app has.
    """
    frame = sys._getframe(1)
    for _step in range(_FARTHEST):
        if frame.f_code.co_name == "send_task_message":
            names = frame.f_locals
            app = getattr(names.get("default_evd"), "app", None)
            serializer = names.get("serializer") or names.get("default_serializer")
            if app is not None and serializer:
                return Sender(app, serializer)
        if frame.f_back is None:
            break
        frame = frame.f_back
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return Sender(app, app.conf.task_serializer)
