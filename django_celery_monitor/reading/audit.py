"""What people did, as far as a reader may see it: by person, act, target, outcome and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.filters import FilterError, moment
from django_celery_monitor.models import ControlAction, ControlTarget

FILTERS: Final = ("user", "act", "target", "outcome", "source", "after", "before")
_LARGEST_KEY: Final = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Newest first; ``older``: the cursor of those that follow, ``None`` at the end."""

    items: list[ControlAction]
    older: str | None


def actions_for(user: User) -> QuerySet[ControlAction]:
    return get_policy().visible(user, ControlAction.objects.all())


def audit_page(user: User, given: Mapping[str, Any], cursor: str = "", size: int = 50) -> AuditPage:
    """Raises ``FilterError`` for what cannot be understood.

    ``target`` is ``kind:value``, such as ``worker:w1@host``, or only the value.
    """
    rows = actions_for(user).filter(wanted(given))
    if cursor:
        if not (cursor.isascii() and cursor.isdigit() and int(cursor[:20]) < _LARGEST_KEY):
            raise FilterError(_("This page address is damaged: go back to the first page."))
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows.prefetch_related("targets").order_by("-pk")[: size + 1])
    older = str(found[size - 1].pk) if len(found) > size else None
    return AuditPage(items=found[:size], older=older)


def visible_arguments(user: User, action: ControlAction) -> dict[str, Any]:
    """Without those of tasks, for who may not see arguments of tasks."""
    act = ACTS.get(action.act)
    private = {each.name for each in act.parameters if each.private} if act else set()
    if not private or get_policy().can(user, VIEW_TASK_ARGUMENTS):
        return dict(action.arguments)
    return {name: value for name, value in action.arguments.items() if name not in private}


def wanted(given: Mapping[str, Any]) -> Q:
    """Raises ``FilterError`` for what cannot be understood."""
    found = Q()
    for name in FILTERS:
        value = given.get(name)
        if not value:
            continue
        if name in ("after", "before"):
            found &= Q(**{f"started_at__{'gte' if name == 'after' else 'lt'}": moment(value)})
        elif name == "target":
            found &= Q(pk__in=_aimed_at(value))
        else:
            found &= Q(**{"user_name" if name == "user" else name: value.replace("\0", "")})
    return found


def _aimed_at(value: str) -> QuerySet[ControlTarget, Any]:
    kind, sign, rest = value.replace("\0", "").partition(":")
    if sign and kind in ControlTarget.Kind.values:
        rows = ControlTarget.objects.filter(kind=kind, value=rest)
    else:
        rows = ControlTarget.objects.filter(kind__in=ControlTarget.Kind.values, value=value)
    return rows.order_by().values("action")
