"""Who of a group is still awaited, and whose record is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Length

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.events import PUBLISHED
from django_celery_monitor.models import Task
from django_celery_monitor.reading.family import Family
from django_celery_monitor.storage.task_events import said

SHOWN: Final = 10
# Of a member that has told more than this, its place in the group is not looked up.
_LONG: Final = 4_000
# A place beyond this is a mistake of whoever said it.
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """``unseen``: the places, from one, of members without a record: not sent yet, as the end of a
    chain is, or not observed, or removed. Empty also when nobody can tell.
    """

    group_id: str
    members: list[Task]
    unseen: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return len(self.members) + len(self.unseen)

    @property
    def done(self) -> int:
        return sum(each.finished_at is not None for each in self.members)

    @property
    def missing(self) -> list[Task]:
        """Those that have a record but no end; the first ones."""
        return [each for each in self.members if each.finished_at is None][:SHOWN]

    @property
    def more_missing(self) -> int:
        return len(self.members) - self.done - len(self.missing)

    @property
    def places(self) -> str:
        """The first places without a record, as text."""
        shown = ", ".join(str(place) for place in self.unseen[:SHOWN])
        return f"{shown}, …" if len(self.unseen) > SHOWN else shown


def awaited(user: User, family: Family) -> dict[str, Awaited]:
    """By group: those that a body waits for, and the task's own."""
    groups = [group for group in family.bodies if not _begun(family, group)]
    if family.task.group_id and family.task.group_id not in family.bodies:
        groups.append(family.task.group_id)
    members = {group: family.members(group) for group in groups}
    unseen = _unseen(user, members) if _complete(user, family) else {}
    return {
        group: Awaited(group_id=group, members=found, unseen=unseen.get(group, ()))
        for group, found in members.items()
        if found
    }


def _begun(family: Family, group: str) -> bool:
    """Whether a body has what it waited for."""
    body = family.tasks.get(family.bodies[group])
    return body is not None and bool(body.started_at or body.finished_at)


def _complete(user: User, family: Family) -> bool:
    """Whether all members that there are were looked at, so that one may be called missing."""
    return not family.cut and not get_policy().hides(user, "Task")


def _unseen(user: User, groups: dict[str, list[Task]]) -> dict[str, tuple[int, ...]]:
    """Of groups whose members have all told their places: those that nobody has."""
    asked = [member.id for members in groups.values() for member in members]
    if not asked:
        return {}
    short = Case(
        When(size__lte=_LONG, then=F("events")), default=Value(""), output_field=TextField()
    )
    rows = get_policy().visible(user, Task.objects.filter(pk__in=asked)).order_by()
    sized = rows.annotate(size=Length("events"), told=short).values_list("id", "told")
    places = {task_id: _place(told) for task_id, told in sized}
    return {
        group: _gaps(places.get(member.id) for member in members)
        for group, members in groups.items()
    }


def _place(events: str) -> Any:
    return said(events, PUBLISHED, "group_index") if events else None


def _gaps(places: Iterable[Any]) -> tuple[int, ...]:
    known = set(places)
    if not all(isinstance(place, int) and 0 <= place < _MOST for place in known):
        return ()
    return tuple(place + 1 for place in range(max(known)) if place not in known)
