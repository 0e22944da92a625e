"""Acts on workers: limits, queues, events, and their end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import CONTROL_WORKER, SHUTDOWN_WORKER
from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import (
    Aim,
    Judged,
    Outcome,
    Result,
    Target,
    Values,
    Verdict,
)
from django_celery_monitor.control.acts.broadcast import ANY, SOME, Broadcast
from django_celery_monitor.control.acts.parameters import Choice, Name, Parameter, Rate, Seconds
from django_celery_monitor.models import ControlTarget

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from django_celery_monitor.access.policy import User
    from django_celery_monitor.control.way import Way

FORGETS = gettext_lazy("A worker that restarts forgets it.")
TASK = Name(name="task", help=gettext_lazy("The name of a task type."))
QUEUE = Name(name="queue", help=gettext_lazy("The name of a queue."))


class _OnType(Broadcast):
    codename = CONTROL_WORKER
    lasting: ClassVar[_StrPromise] = FORGETS

    def aim(self, user: User | None, values: Values) -> Aim:
        kind = aiming.at_type(user, values["task"])
        aim = super().aim(user, values)
        return replace(aim, targets=(kind, *aim.targets), count=aim.count + 1)


class RateLimit(_OnType):
    name = "rate_limit"
    label = gettext_lazy("Rate limit")
    help = gettext_lazy("Each worker starts tasks of a type no more often than this.")
    parameters = (
        TASK,
        Rate(name="rate", help=gettext_lazy("Such as 5/s, 100/m or 20/h; 0 for no limit.")),
        ANY,
    )

    def arguments(self, values: Values) -> dict[str, Any]:
        # Celery takes any text that is not empty for a limit.
        rate = values["rate"] if float(values["rate"].partition("/")[0]) else 0
        return {"task_name": values["task"], "rate_limit": rate}


class TimeLimit(_OnType):
    name = "time_limit"
    label = gettext_lazy("Time limits")
    help = gettext_lazy("How long tasks of a type may take. What is left out is taken away.")
    parameters = (
        TASK,
        Seconds(
            name="soft",
            help=gettext_lazy("Seconds until the task gets an exception."),
            required=False,
        ),
        Seconds(
            name="hard",
            help=gettext_lazy("Seconds until the process is killed."),
            required=False,
        ),
        ANY,
    )
    # Others know no limits, or have none of a type but at their start.
    pools = frozenset({"prefork"})
    question = "stats"

    def arguments(self, values: Values) -> dict[str, Any]:
        return {"task_name": values["task"], "soft": values["soft"], "hard": values["hard"]}

    def problems(self, values: Values) -> dict[str, str]:
        soft, hard = values["soft"], values["hard"]
        if soft and hard and soft >= hard:
            return {"soft": _("must be less than hard")}
        return {}

    def judge(self, reply: Any, values: Values) -> Judged:
        judged = super().judge(reply, values)
        if judged.verdict is not Verdict.DONE:
            return judged
        # Celery builds a type's limits into its requests once, when the worker gets ready.
        text = _("It took the limits, but applies them only after its pool has been restarted.")
        return Judged(Verdict.UNCLEAR, text)


class AddConsumer(Broadcast):
    name = "add_consumer"
    codename = CONTROL_WORKER
    label = gettext_lazy("Add queue")
    help = gettext_lazy("The worker takes tasks from one queue more, which is made if need be.")
    lasting: ClassVar[_StrPromise] = FORGETS
    parameters: ClassVar[tuple[Parameter, ...]] = (
        SOME,
        QUEUE,
        Name(name="exchange", help=gettext_lazy("Else that of the queue's name."), required=False),
        Choice(
            name="exchange_type",
            help=gettext_lazy("The type of the exchange."),
            choices=("direct", "topic", "fanout", "headers"),
            required=False,
            default="direct",
        ),
        Name(name="routing_key", help=gettext_lazy("Else the queue's name."), required=False),
    )

    def aim(self, user: User | None, values: Values) -> Aim:
        aim = super().aim(user, values)
        target = Target(ControlTarget.Kind.QUEUE, values["queue"])
        return replace(aim, targets=(target, *aim.targets), count=aim.count + 1)


class CancelConsumer(AddConsumer):
    name = "cancel_consumer"
    label = gettext_lazy("Cancel queue")
    help = gettext_lazy("The worker takes no more tasks from a queue; what it has, it does.")
    parameters = (SOME, QUEUE)
    question = "active_queues"

    def refusal(self, said: Any, values: Values) -> str:
        names = {each.get("name") for each in said if isinstance(each, dict)} if said else set()
        if isinstance(said, list) and values["queue"] not in names:
            return _("It takes no tasks from this queue.")
        return ""


class EnableEvents(Broadcast):
    name = "enable_events"
    codename = CONTROL_WORKER
    label = gettext_lazy("Switch events on")
    help = gettext_lazy("The worker sends events of its tasks; without, the monitor sees nothing.")
    lasting: ClassVar[_StrPromise] = FORGETS
    parameters = (ANY,)


class DisableEvents(Broadcast):
    name = "disable_events"
    codename = CONTROL_WORKER
    label = gettext_lazy("Switch events off")
    help = gettext_lazy("The worker sends no more events of its tasks: the monitor goes blind.")
    lasting: ClassVar[_StrPromise] = FORGETS
    parameters = (SOME,)

    def judge(self, reply: Any, values: Values) -> Judged:
        judged = super().judge(reply, values)
        # Celery says so, and goes on, when the worker was started with -E.
        if judged.text == "task events already disabled":
            text = _("They were off, or it was started with -E and goes on sending them.")
            return Judged(Verdict.UNCLEAR, text)
        return judged


class Heartbeat(Broadcast):
    name = "heartbeat"
    codename = CONTROL_WORKER
    label = gettext_lazy("Heartbeat")
    help = gettext_lazy("The worker sends a heartbeat now.")
    parameters = (ANY,)

    def judge(self, reply: Any, values: Values) -> Judged:
        return Judged(Verdict.DONE, "") if reply is None else super().judge(reply, values)


class Shutdown(Broadcast):
    name = "shutdown"
    codename = SHUTDOWN_WORKER
    label = gettext_lazy("Shut down")
    help = gettext_lazy(
        "The worker takes no more tasks, ends those it runs, and goes. Who started it may start"
        " another one."
    )
    parameters = (SOME,)
    typed = "workers"

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        """Workers say nothing to this; so whoever answered before and no longer does is going."""
        before = {host for host, _said in way.ask("ping", aim)}
        missing = sorted(aim.unseen - before)
        if missing:
            aiming.nobody(missing[0])
        way.send(self.name, aim, {}, self.patience or 0.2)
        still = {host for host, _said in way.ask("ping", replace(aim, expected=frozenset(before)))}
        gone = _("It no longer answers.")
        replies = {host: Judged(Verdict.DONE, gone) for host in before - still}
        told = _("It was told, and ends its tasks first.")
        replies |= {host: Judged(Verdict.REQUESTED, told) for host in before & still}
        outcome = Outcome.REQUESTED if before & still else ""
        return Result(replies=replies, silent=sorted(aim.expected - before), outcome=outcome)
