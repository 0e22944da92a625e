"""Who may see and do what. Every door (page, REST, socket, admin) asks this one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.apps import apps
from django.utils.module_loading import import_string

from django_celery_monitor.conf import get_settings

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

M = TypeVar("M", bound="Model")

# Acts are codenames of permissions; ``access.acts`` says what each one allows.
VIEW_TASK = "view_task"
VIEW_TASK_ARGUMENTS = "view_task_arguments"
VIEW_WORKER = "view_worker"
VIEW_WORKER_CONFIGURATION = "view_worker_configuration"
VIEW_ACTION = "view_controlaction"
# These two only open pages of the admin.
VIEW_COLLECTOR = "view_collectorrun"
VIEW_BAD_EVENT = "view_badevent"
# To let others see one's saved views; keeping them for oneself needs no right of its own.
MANAGE_VIEWS = "manage_views"
RETRY_TASK = "retry_task"
SEND_TASK = "send_task"
REVOKE_TASK = "revoke_task"
TERMINATE_TASK = "terminate_task"
PURGE_QUEUE = "purge_queue"
CONTROL_WORKER = "control_worker"
SHUTDOWN_WORKER = "shutdown_worker"
MANAGE_TOKEN = "manage_token"  # noqa: S105

# All that READ_ONLY leaves; what is not named here changes something.
LOOKING = frozenset(
    {
        VIEW_TASK,
        VIEW_TASK_ARGUMENTS,
        VIEW_WORKER,
        VIEW_WORKER_CONFIGURATION,
        VIEW_ACTION,
        VIEW_COLLECTOR,
        VIEW_BAD_EVENT,
    }
)


class User(Protocol):
    """What a policy needs to know of the project's user model; ``AnonymousUser`` has it too."""

    @property
    def pk(self) -> Any: ...

    @property
    def is_active(self) -> bool: ...

    def has_perm(self, perm: str) -> bool: ...


# Of all tasks alike, so that a row may tell of those that somebody may not see.
_ABOUT_TASKS = frozenset({"taskcount", "taskstats", "tasktotals", "badevent"})
# What people did, maybe to what not everybody may see: by which column whose act it was.
_DONE_BY = {
    "controlaction": "user_id",
    "controltarget": "action__user_id",
    "operation": "user_id",
    "operationitem": "operation__user_id",
}
# Rows of one task or of one worker: whose, and by which column.
_BELONGS_TO = {
    "taskerror": ("Task", "task_id"),
    "rerun": ("Task", "origin_id"),
    "workerevent": ("Worker", "worker"),
    "workersample": ("Worker", "worker"),
    "workerreply": ("Worker", "worker"),
    "inspection": ("Worker", "hostname"),
}


class AccessPolicy:
    """Django's permissions by codename; what nobody granted is denied.

    Subclass it and name the class in ``CELERY_MONITOR["ACCESS_POLICY"]`` to narrow what people see.
    """

    def can(self, user: User, act: str, obj: object = None) -> bool:
        """Whether ``user`` may do ``act`` (a codename), here or on one object."""
        return bool(user.is_active and user.has_perm(f"django_celery_monitor.{act}"))

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        """The rows of ``queryset`` that ``user`` may see; asked after ``can``."""
        return queryset


class Guard(AccessPolicy):
    """The project's policy, and what holds whatever it says: ``READ_ONLY``, and no side doors.

    A policy that narrows tasks, or workers, and hands back as it was what is derived from them, has
    not thought of it: rows of one task or worker are then narrowed with it, and what cannot be told
    apart is not shown.
    """

    def __init__(self, own: AccessPolicy) -> None:
        self._own = own

    @property
    def narrows(self) -> bool:
        """Whether it hides rows from anybody."""
        return type(self._own).visible is not AccessPolicy.visible

    @property
    def looks_at_objects(self) -> bool:
        """Whether what somebody may can differ from one object to the next."""
        return type(self._own).can is not AccessPolicy.can

    def can(self, user: User, act: str, obj: object = None) -> bool:
        if is_read_only() and act not in LOOKING:
            return False
        return self._own.can(user, act, obj)

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        shown = self._own.visible(user, queryset)
        return self._derived(user, queryset) if shown is queryset and self.narrows else shown

    def hides(self, user: User, model: str) -> bool:
        """Whether not all rows of a model of ours are for ``user``; asks no database."""
        every: QuerySet[Any] = apps.get_model("django_celery_monitor", model)._default_manager.all()
        return self.narrows and self._own.visible(user, every) is not every

    def closes(self, user: User, model: str) -> bool:
        """Whether rows of a model are hidden because the policy says nothing of them."""
        about = model.lower() in _ABOUT_TASKS
        return about and self.hides(user, "Task") and not self.hides(user, model)

    def _derived(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        name = queryset.model._meta.model_name or ""
        if name in _ABOUT_TASKS and self.hides(user, "Task"):
            return queryset.none()
        if name in _DONE_BY and (self.hides(user, "Task") or self.hides(user, "Worker")):
            return queryset.filter(**{_DONE_BY[name]: str(user.pk)})
        whose, column = _BELONGS_TO.get(name, ("", ""))
        if whose and self.hides(user, whose):
            model = apps.get_model("django_celery_monitor", whose)
            owners = self._own.visible(user, model._default_manager.all())
            return queryset.filter(**{f"{column}__in": owners.order_by().values("pk")})
        return queryset


def is_read_only() -> bool:
    """Whether the project lets nobody change anything, superusers included."""
    return get_settings().READ_ONLY


def get_policy() -> Guard:
    return Guard(project_policy())


def project_policy() -> AccessPolicy:
    """As the setting names it; only to look at, what it answers is asked of ``get_policy``."""
    policy: AccessPolicy = import_string(get_settings().ACCESS_POLICY)()
    return policy
