"""Acts on tasks that workers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import REVOKE_TASK, TERMINATE_TASK
from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import Aim, Judged, Target, Values, Verdict
from django_celery_monitor.control.acts.broadcast import Broadcast
from django_celery_monitor.control.acts.parameters import Flag, Names, Parameter, Signal, Stamps
from django_celery_monitor.control.errors import DeniedError
from django_celery_monitor.models import ControlTarget

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from django_celery_monitor.access.policy import User

IDS = Names(name="ids", help=gettext_lazy("Ids of tasks, at most 1,000."))
UNSEEN = Flag(
    name="unseen",
    help=gettext_lazy("Also tasks of which the monitor keeps nothing."),
)
SIGNAL = Signal(
    name="signal",
    help=gettext_lazy("The signal that ends the process: TERM, KILL, INT, QUIT, HUP ..."),
    required=False,
    default="SIGTERM",
)
HEADERS = Stamps(
    name="headers",
    help=gettext_lazy("Stamps of tasks: tasks that have one of them are meant."),
)
# Of other pools, the first two have no process to end, and the last kill greenlets.
CAN_TERMINATE = frozenset({"prefork", "gevent", "eventlet"})


class Revoke(Broadcast):
    name = "revoke"
    codename = REVOKE_TASK
    label = gettext_lazy("Revoke")
    help = gettext_lazy("Workers throw the tasks away instead of starting them.")
    lasting: ClassVar[_StrPromise] = gettext_lazy(
        "Workers remember this while they live; all of them restarted together forget it, unless"
        " they run with --statedb."
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (IDS, UNSEEN)

    def arguments(self, values: Values) -> dict[str, Any]:
        return {"task_id": values["ids"], "terminate": False}

    def aim(self, user: User | None, values: Values) -> Aim:
        aiming.at_tasks(user, self.codename, values["ids"], unseen=values["unseen"])
        # Any worker may get the task, so all have to know, whatever this person sees of them.
        everybody = aiming.at_workers(None, self.codename, None)
        targets = tuple(Target(ControlTarget.Kind.TASK, each) for each in values["ids"])
        return Aim(expected=everybody.expected, targets=targets, count=len(targets))


class Terminate(Revoke):
    name = "terminate"
    codename = TERMINATE_TASK
    label = gettext_lazy("Terminate")
    help = gettext_lazy(
        "The process that runs a task gets a signal. Whatever the task was doing is left half done."
    )
    lasting = Revoke.lasting
    parameters = (IDS, SIGNAL, UNSEEN)
    pools = CAN_TERMINATE
    question = "stats"

    def arguments(self, values: Values) -> dict[str, Any]:
        return {"task_id": values["ids"], "signal": values["signal"]}

    def judge(self, reply: Any, values: Values) -> Judged:
        judged = super().judge(reply, values)
        if judged.text == "terminate: tasks unknown":
            return Judged(Verdict.NOTHING, _("It has none of these tasks."))
        return judged


class RevokeByStamps(Broadcast):
    name = "revoke_by_stamped_headers"
    codename = REVOKE_TASK
    label = gettext_lazy("Revoke by stamps")
    help = gettext_lazy("Workers throw all tasks with one of these stamps away.")
    lasting: ClassVar[_StrPromise] = gettext_lazy("A worker that restarts forgets it.")
    parameters: ClassVar[tuple[Parameter, ...]] = (HEADERS,)

    def arguments(self, values: Values) -> dict[str, Any]:
        return {"headers": values["headers"], "terminate": False}

    def aim(self, user: User | None, values: Values) -> Aim:
        if not aiming.is_open(user):
            # Nobody can say whose tasks these are.
            raise DeniedError(_("Only who may see all tasks may do this."), self.codename)
        stamps = [f"{key}={each}" for key, found in values["headers"].items() for each in found]
        everybody = aiming.at_workers(None, self.codename, None)
        return Aim(expected=everybody.expected, filter=" ".join(stamps))


class TerminateByStamps(RevokeByStamps):
    name = "terminate_by_stamped_headers"
    command = "revoke_by_stamped_headers"
    codename = TERMINATE_TASK
    label = gettext_lazy("Terminate by stamps")
    help = gettext_lazy("The same, and processes that run such a task get a signal.")
    parameters = (HEADERS, SIGNAL)
    pools = CAN_TERMINATE
    question = "stats"

    def arguments(self, values: Values) -> dict[str, Any]:
        return {"headers": values["headers"], "terminate": True, "signal": values["signal"]}

    def judge(self, reply: Any, values: Values) -> Judged:
        judged = super().judge(reply, values)
        if judged.text.endswith("were not terminated"):
            return Judged(Verdict.NOTHING, _("It runs no such task."))
        return judged
