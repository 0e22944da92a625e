"""Who may see and do what. Every door (page, REST, socket, admin) asks this one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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


def get_policy() -> AccessPolicy:
    policy: AccessPolicy = import_string(get_settings().ACCESS_POLICY)()
    return policy
