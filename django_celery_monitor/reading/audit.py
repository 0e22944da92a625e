"""What people did, as far as a reader may see it: by person, act, target, outcome and time."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, User, get_policy
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.filters import FilterError, moment
from django_celery_monitor.models import ControlAction, ControlTarget, Worker

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
    eyes = Eyes(user)
    return AuditPage(items=[eyes.see(each) for each in found[:size]], older=older)


class Eyes:
    """What a reader may see of entries that are theirs to see."""

    def __init__(self, user: User) -> None:
        self._user = user

    def see(self, action: ControlAction) -> ControlAction:
        """Narrowed in place, so only for showing: no arguments of tasks without the right to those,
        and no word of workers that are hidden.
        """
        act = ACTS.get(action.act)
        private = {each.name for each in act.parameters if each.private} if act else set()
        if private and not self._payload:
            action.arguments = _without(action.arguments, private)
        if self._hosts is not None:
            action.replies = _without(action.replies, action.replies.keys() - self._hosts)
            action.silent = [host for host in action.silent if host in self._hosts]
        return action

    @cached_property
    def _payload(self) -> bool:
        return get_policy().can(self._user, VIEW_TASK_ARGUMENTS)

    @cached_property
    def _hosts(self) -> frozenset[str] | None:
        """``None``: all of them."""
        if not get_policy().hides(self._user, "Worker"):
            return None
        rows = get_policy().visible(self._user, Worker.objects.all())
        return frozenset(rows.values_list("hostname", flat=True))


def _without(values: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


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
