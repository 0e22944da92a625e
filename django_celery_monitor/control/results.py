"""What the project's result backend says of tasks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from celery.states import READY_STATES
from celery.utils.saferepr import saferepr
from kombu.exceptions import ContentDisallowed, DecodeError

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")


class KnownResult(NamedTuple):
    """How a task ended; ``text`` is its result, or the exception of one that failed."""

    state: str
    text: str


def known_result(app: Celery, task_id: str) -> KnownResult | None:
    """``None`` when the backend knows no end of the task, is away, or holds a pickle of it."""
    try:
        meta: dict[str, Any] = app.backend.get_task_meta(task_id, cache=False)
    except (ContentDisallowed, DecodeError) as error:
        logger.debug("The result of %s is not readable: %s", task_id, error)
        return None
    # A backend may be any package's, with errors of its own.
    except Exception as error:
        logger.debug("The result backend does not answer: %s", error)
        return None
    state = str(meta.get("status"))
    return KnownResult(state, saferepr(meta.get("result"))) if state in READY_STATES else None
