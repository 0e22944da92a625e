"""Asking workers (``celery inspect``): nothing is changed, and answers are not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import (
    CONTROL_WORKER,
    VIEW_TASK,
    VIEW_WORKER,
    VIEW_WORKER_CONFIGURATION,
)
from django_celery_monitor.control.acts.base import Aim, Judged, Result, Values, Verdict
from django_celery_monitor.control.acts.broadcast import ANY, SOME, Broadcast, Pairs
from django_celery_monitor.control.acts.parameters import Name, Names, Parameter, Whole
from django_celery_monitor.control.inspecting import ATTRIBUTES

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Inspect(Broadcast):
    """``told`` of the result has each worker's reply as it came."""

    codename = VIEW_WORKER
    changes = False
    parameters: ClassVar[tuple[Parameter, ...]] = (ANY,)
    # The kind of a good reply.
    kind: ClassVar[type | tuple[type, ...]] = dict

    def judge(self, reply: Any, values: Values) -> Judged:
        failed = isinstance(reply, dict) and set(reply) == {"error"}
        if failed or not isinstance(reply, self.kind):
            return Judged(Verdict.REFUSED, super().judge(reply, values).text)
        return Judged(Verdict.DONE, "")

    def read(self, pairs: Pairs, aim: Aim, values: Values, result: Result) -> None:
        super().read(pairs, aim, values, result)
        good = ((host, said) for host, said in pairs if isinstance(said, self.kind))
        for host, said in good:
            if result.replies[host].verdict is Verdict.DONE:
                result.told[host] = said


def _inspect(
    command: str,
    label: _StrPromise,
    kind: type | tuple[type, ...] = dict,
    codename: str = VIEW_WORKER,
    **sent: Any,
) -> type[Inspect]:
    """The act of a command that takes nothing of the person who asks; ``sent`` is what it gets."""

    class Made(Inspect):
        def arguments(self, values: Values) -> dict[str, Any]:
            return sent

    Made.name, Made.label, Made.help = command, label, label
    Made.kind, Made.codename = kind, codename
    return Made


class QueryTask(Inspect):
    name = "query_task"
    codename = VIEW_TASK
    label = gettext_lazy("Where tasks are")
    help = gettext_lazy("Which workers have these tasks: running, reserved or scheduled.")
    parameters = (Names(name="ids", help=gettext_lazy("Ids of tasks, at most 1,000.")), ANY)

    def arguments(self, values: Values) -> dict[str, Any]:
        return {"ids": values["ids"]}


class MemDump(Inspect):
    name = "memdump"
    codename = VIEW_WORKER_CONFIGURATION
    label = gettext_lazy("Memory samples")
    help = gettext_lazy("What memsample measured before.")
    kind = str
    parameters = (
        ANY,
        Whole(
            name="samples",
            help=gettext_lazy("How many samples."),
            required=False,
            default=10,
            least=1,
            most=1000,
        ),
    )


class ObjGraph(Inspect):
    name = "objgraph"
    # It writes a file on the worker's disk.
    codename = CONTROL_WORKER
    changes = True
    label = gettext_lazy("Graph of objects")
    help = gettext_lazy(
        "The worker draws a picture of objects in its memory into a file on its disk; it needs"
        " the package objgraph, and does nothing else meanwhile."
    )
    patience = 60.0
    parameters = (
        SOME,
        Name(
            name="type",
            help=gettext_lazy("A class of objects."),
            required=False,
            default="Request",
        ),
        Whole(
            name="num",
            help=gettext_lazy("At most so many objects."),
            required=False,
            default=200,
            least=1,
            most=1000,
        ),
        Whole(
            name="max_depth",
            help=gettext_lazy("How deep to go."),
            required=False,
            default=10,
            least=1,
            most=50,
        ),
    )


CONFIGURATION = VIEW_WORKER_CONFIGURATION
INSPECTIONS: tuple[type[Inspect], ...] = (
    _inspect("ping", gettext_lazy("Whether they answer")),
    _inspect("clock", gettext_lazy("Logical clock")),
    _inspect("stats", gettext_lazy("Statistics")),
    _inspect("active_queues", gettext_lazy("Queues they read"), list),
    # As texts, as events have them: the values may be large, or no JSON.
    _inspect("active", gettext_lazy("Running tasks"), list, safe=True),
    _inspect("reserved", gettext_lazy("Reserved tasks"), list),
    _inspect("scheduled", gettext_lazy("Scheduled tasks"), list),
    _inspect("revoked", gettext_lazy("Revoked ids"), list),
    _inspect(
        "registered", gettext_lazy("Registered task types"), list, taskinfoitems=list(ATTRIBUTES)
    ),
    _inspect("conf", gettext_lazy("Configuration"), dict, CONFIGURATION, with_defaults=True),
    _inspect("report", gettext_lazy("Versions and settings"), dict, CONFIGURATION),
    _inspect("memsample", gettext_lazy("Memory in use"), (str, type(None)), CONFIGURATION),
    QueryTask,
    MemDump,
    ObjGraph,
)
