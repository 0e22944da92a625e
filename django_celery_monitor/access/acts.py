"""What can be granted: each act, what it allows, and which of our groups has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access import policy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

VIEWERS: Final = "Celery monitor viewers"
OPERATORS: Final = "Celery monitor operators"
BOTH: Final = (VIEWERS, OPERATORS)


@dataclass(frozen=True, slots=True)
class Act:
    """``codename`` is also the permission's, in this app; ``allows`` follows "may"."""

    codename: str
    allows: _StrPromise
    groups: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it does more than look, which ``READ_ONLY`` forbids to everybody."""
        return self.codename not in policy.LOOKING


# No group has what cannot be undone, runs code with arguments of one's own, or lets programs in.
ACTS: Final = (
    Act(policy.VIEW_TASK, _("see tasks: lists, states, times, types of errors"), BOTH),
    Act(
        policy.VIEW_TASK_ARGUMENTS,
        _("see arguments, results, error texts and tracebacks, and search in them"),
        (OPERATORS,),
    ),
    Act(policy.VIEW_WORKER, _("see workers, and ask them for news"), BOTH),
    Act(policy.VIEW_WORKER_CONFIGURATION, _("see the configuration of workers"), (OPERATORS,)),
    Act(policy.VIEW_ACTION, _("see who did what"), (OPERATORS,)),
    Act(policy.VIEW_COLLECTOR, _("see the collector's runs and gaps, in the admin"), BOTH),
    Act(
        policy.VIEW_BAD_EVENT,
        _("see what was put aside and why, in the admin; contents take arguments' right too"),
        (OPERATORS,),
    ),
    Act(policy.MANAGE_VIEWS, _("share saved views, and change those others share"), (OPERATORS,)),
    Act(policy.RETRY_TASK, _("run tasks again"), (OPERATORS,)),
    Act(policy.REVOKE_TASK, _("revoke tasks that have not started"), (OPERATORS,)),
    Act(policy.TERMINATE_TASK, _("terminate tasks that are running"), (OPERATORS,)),
    Act(
        policy.CONTROL_WORKER,
        _("change workers while they run: pools, queues, limits, events"),
        (OPERATORS,),
    ),
    Act(policy.SEND_TASK, _("send new tasks, with any arguments")),
    Act(policy.SHUTDOWN_WORKER, _("shut workers down")),
    Act(policy.PURGE_QUEUE, _("delete all messages of a queue")),
    Act(policy.MANAGE_TOKEN, _("make and revoke tokens of the API")),
)
