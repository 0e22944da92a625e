"""Acts on the pools of workers: how many processes they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import CONTROL_WORKER
from django_celery_monitor.control.acts.base import Values
from django_celery_monitor.control.acts.broadcast import SOME, Broadcast, size_of
from django_celery_monitor.control.acts.parameters import Whole

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

STARTS_AS_BEFORE = gettext_lazy("A worker that restarts has the size that it was started with.")
NUMBER = Whole(
    name="n",
    help=gettext_lazy("How many processes."),
    required=False,
    default=1,
    least=1,
    most=1000,
)


class PoolGrow(Broadcast):
    name = "pool_grow"
    codename = CONTROL_WORKER
    label = gettext_lazy("Grow pool")
    help = gettext_lazy("The worker starts so many processes more.")
    lasting: ClassVar[_StrPromise] = STARTS_AS_BEFORE
    parameters = (SOME, NUMBER)
    pools = frozenset({"prefork", "gevent", "eventlet"})
    question = "stats"

    def refusal(self, said: Any, values: Values) -> str:
        if isinstance(said, dict) and said.get("autoscaler"):
            return _("It scales by itself: change its limits with autoscale instead.")
        return super().refusal(said, values)


class PoolShrink(PoolGrow):
    name = "pool_shrink"
    label = gettext_lazy("Shrink pool")
    help = gettext_lazy("The worker ends so many processes, idle ones first; one has to stay.")

    def refusal(self, said: Any, values: Values) -> str:
        reason = super().refusal(said, values)
        # Celery says that all are busy when it has already ended every one.
        if not reason and values["n"] >= size_of(said):
            return _("It has %(size)d, and one has to stay.") % {"size": size_of(said)}
        return reason


class PoolRestart(Broadcast):
    name = "pool_restart"
    codename = CONTROL_WORKER
    label = gettext_lazy("Restart pool")
    help = gettext_lazy(
        "Each process of the worker ends after the task that it runs, or the next one that it gets,"
        " and a new one takes its place. The worker has to allow that by worker_pool_restarts."
    )
    parameters = (SOME,)
    pools = frozenset({"prefork"})
    question = "stats"


class Autoscale(Broadcast):
    name = "autoscale"
    codename = CONTROL_WORKER
    label = gettext_lazy("Autoscale")
    help = gettext_lazy("Other limits for a worker that was started with --autoscale.")
    lasting: ClassVar[_StrPromise] = STARTS_AS_BEFORE
    parameters = (
        SOME,
        Whole(name="max", help=gettext_lazy("At most so many processes."), least=1, most=1000),
        Whole(name="min", help=gettext_lazy("At least so many processes."), least=0, most=1000),
    )
    pools = frozenset({"prefork", "gevent", "eventlet"})
    question = "stats"

    def problems(self, values: Values) -> dict[str, str]:
        return {"min": _("is greater than max")} if values["min"] > values["max"] else {}

    def refusal(self, said: Any, values: Values) -> str:
        reason = super().refusal(said, values)
        if not reason and not (isinstance(said, dict) and said.get("autoscaler")):
            return _("It does not scale by itself: it was started without --autoscale.")
        return reason
