"""Asking tasks to end by themselves, through the result backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.backends.base import DisabledBackend
from celery.contrib.abortable import AbortableAsyncResult, AbortableTask
from celery.states import READY_STATES
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import REVOKE_TASK
from django_celery_monitor.celery_app import find_app, load_tasks
from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import Act, Aim, Outcome, Result, Target, Values
from django_celery_monitor.control.acts.parameters import Names
from django_celery_monitor.control.errors import BadParametersError, UnavailableError
from django_celery_monitor.control.results import close_backend, own_backend
from django_celery_monitor.control.way import TooLateError, Way
from django_celery_monitor.models import ControlTarget

if TYPE_CHECKING:
    from django_celery_monitor.access.policy import User


class Abort(Act):
    name = "abort"
    codename = REVOKE_TASK
    label = gettext_lazy("Abort")
    help = gettext_lazy(
        "Tells running tasks to end, if they are made for that: Celery's AbortableTask, which has"
        " to look from time to time."
    )
    parameters = (Names(name="ids", help=gettext_lazy("Ids of tasks, at most 100."), most=100),)

    def aim(self, user: User | None, values: Values) -> Aim:
        tasks = aiming.at_tasks(user, self.codename, values["ids"], unseen=False)
        for each in tasks:
            if why := deaf(each.name):
                raise BadParametersError({"ids": f"{each.id}: {why}"})
        targets = tuple(Target(ControlTarget.Kind.TASK, each) for each in values["ids"])
        return Aim(targets=targets, count=len(targets))

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        try:
            backend = own_backend(way.app)
            if isinstance(backend, DisabledBackend):
                text = _("There is no result backend, by which tasks could be told.")
                return Result(outcome=Outcome.REFUSED, detail=text)
            try:
                return _asked(way, backend, values["ids"])
            finally:
                close_backend(backend)
        except TooLateError:
            raise
        # A backend may be any package's, with errors of its own.
        except Exception as error:
            text = _("The result backend does not answer: %(error)s") % {"error": error}
            raise UnavailableError(text, sent=way.sent) from error


def deaf(name: str) -> str:
    """Why tasks of this type would never look; empty when they would."""
    app = find_app()
    if name not in app.tasks:
        load_tasks(app)
    if isinstance(app.tasks.get(name), AbortableTask):
        return ""
    return _("It is no AbortableTask, as far as this process knows: it would not look.")


def _asked(way: Way, backend: Any, ids: list[str]) -> Result:
    ended = {each for each in ids if backend.get_state(each) in READY_STATES}
    if ended.issuperset(ids):
        return Result(outcome=Outcome.REFUSED, detail=_("All of them have ended."))
    way.commit()
    for task_id in ids:
        if task_id not in ended:
            AbortableAsyncResult(task_id, backend=backend, app=way.app).abort()
    text = _("The result backend holds the request; a task ends when it looks for it.")
    return Result(outcome=Outcome.REQUESTED, detail=text)
