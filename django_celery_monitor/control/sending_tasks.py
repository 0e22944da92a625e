"""Tasks on their way to the broker: what is to be sent, from what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.conf import get_settings
from django_celery_monitor.control import message as messages
from django_celery_monitor.control import sending
from django_celery_monitor.control.acts.base import Outcome, Result
from django_celery_monitor.control.errors import BadParametersError, ControlError
from django_celery_monitor.control.message import Message
from django_celery_monitor.control.results import BackendAwayError, Results
from django_celery_monitor.control.way import Way
from django_celery_monitor.control.whole import Reason, Whole, retriable
from django_celery_monitor.storage.rows import events_of

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.models import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``origin_id``: the task that it is a re-run of, perhaps with ``changed`` values."""

    message: Message
    new_id: str
    origin_id: str = ""
    changed: bool = False


def find_whole(app: Celery, task: Task, now: datetime | None = None) -> Whole | Reason:
    """What the task can be sent again from, or why it cannot.

    The result backend is asked only where the recorder does not know, and for half of the time that
    an act may take.
    """
    now, events = now or timezone.now(), events_of(task)
    found = retriable(task.name, events, now)
    if not isinstance(found, Reason) or not task.name:
        return found
    try:
        kept = _kept(app, task.id)
    except ControlError as error:
        return Reason(f"{found.text} {error}", found.setting)
    return retriable(task.name, events, now, serializer=_serializer(app, task.name), kept=kept)


def _kept(app: Celery, task_id: str) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        results = Results(app)
        try:
            return results.kept(task_id)
        except BackendAwayError as error:
            text = _("The result backend does not answer: %(error)s")
            raise ControlError(text % {"error": error}) from error
        finally:
            results.close()

    way = Way(app, get_settings().CONTROL_TIMEOUT / 2)
    return sending.run(way, ask)


def _serializer(app: Celery, name: str) -> str:
    own = getattr(app.tasks[name], "serializer", None) if name in app.tasks else None
    return str(own or app.conf.task_serializer)


def check(app: Celery, message: Message) -> None:
    """Raises ``BadParametersError`` for what could never be published or read."""
    try:
        messages.built(app, message, "")
    # A router may be the project's, and a tag of kombu's JSON stand for anything.
    except Exception as error:
        text = _("It cannot be sent: %(error)s")
        raise BadParametersError({"task": text % {"error": error}}) from error


def send(way: Way, plan: Plan) -> Result:
    """Confirmed means that the broker has it; what becomes of it, its events tell."""
    with way.publishing() as connection:
        messages.check_place(way.app, connection, plan.message, way.places)
        way.commit()
        messages.publish(way.app, connection, plan.message, plan.new_id)
    text = _("The broker has it, as task %(id)s.")
    return Result(outcome=Outcome.CONFIRMED, detail=text % {"id": plan.new_id})
