"""Sending a task again as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import RETRY_TASK
from django_celery_monitor.celery_app import find_app, load_tasks
from django_celery_monitor.control import reruns
from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import Act, Aim, Result, Target, Values
from django_celery_monitor.control.acts.parameters import Flag, Name, Parameter
from django_celery_monitor.control.cautions import cautions
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.control.sending_tasks import Plan, check, find_whole, send
from django_celery_monitor.control.whole import Reason
from django_celery_monitor.models import ControlTarget, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_celery_monitor.access.policy import User
    from django_celery_monitor.control.way import Way

NEW_ID = Name(
    name="new_id",
    help=gettext_lazy("The id of the new task; an id is sent once only. By default a random one."),
    required=False,
)


class Sending(Act):
    """What sends one task; its aim has a ``Plan``."""

    def validated(self, given: Mapping[str, Any]) -> Values:
        values = super().validated(given)
        values["new_id"] = values["new_id"] or str(uuid4())
        return values

    def aimed(self, plan: Plan, *others: Target) -> Aim:
        reruns.check_new(plan.new_id)
        new = Target(ControlTarget.Kind.TASK, plan.new_id)
        return Aim(targets=(*others, new), count=1, plan=plan)

    def begun(self, aim: Aim) -> None:
        # When an operation begins, nothing is on its way; each of its steps has a plan.
        if aim.plan is not None:
            reruns.begin(aim.plan)

    def ended(self, aim: Aim, outcome: str) -> None:
        reruns.settle(aim.plan, outcome)

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        return send(way, aim.plan)


class Retry(Sending):
    name = "retry"
    codename = RETRY_TASK
    label = gettext_lazy("Run again")
    help = gettext_lazy(
        "Sends a new task with the same arguments, to the same queue. Only from arguments that are"
        " known whole."
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Name(name="id", help=gettext_lazy("Id of the task to run again.")),
        NEW_ID,
        Flag(
            name="confirm",
            help=gettext_lazy(
                "Also when it is not marked as safe to run twice, has not ended, was sent again"
                " before, or is part of a group or chord."
            ),
        ),
    )

    def aim(self, user: User | None, values: Values) -> Aim:
        aiming.at_tasks(user, self.codename, [values["id"]], unseen=False)
        app, task = find_app(), Task.objects.get(pk=values["id"])
        load_tasks(app)
        if not values["confirm"] and (found := cautions(app, task)):
            raise BadParametersError({"confirm": " ".join(each.text for each in found)})
        whole = find_whole(app, task)
        if isinstance(whole, Reason):
            fix = _("Set %(setting)s.") % {"setting": whole.setting} if whole.setting else ""
            raise BadParametersError({"id": f"{whole.text} {fix}".strip()})
        check(app, whole.message)
        plan = Plan(message=whole.message, new_id=values["new_id"], origin_id=task.id)
        return self.aimed(plan, Target(ControlTarget.Kind.TASK, task.id))
