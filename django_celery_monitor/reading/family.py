"""Who called a task, whom it called, and what belongs to one group or chord with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.events import PUBLISHED
from django_celery_monitor.models import Task
from django_celery_monitor.storage.rows import events_of
from django_celery_monitor.storage.task_events import SHARED

SHOWN: Final = 20
GROUP_SHOWN: Final = 10
# So many relatives of each kind are looked at; a graph of more tells nothing.
MOST: Final = 500
# Members of a group all say the same of its chord; so many groups are asked.
CHORDS: Final = 20
NARROW: Final = (
    *("id", "name", "state", "known_by", "time", "retries", "runtime"),
    *("started_at", "finished_at", "sent_at", "received_at", "eta"),
    *("root_id", "parent_id", "group_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """``root`` only where it is neither the task itself nor its parent; ``tasks`` are all of them.

    ``bodies``: a chord's body by the group that it waits for; ``names``: of bodies, by id. Most
    are sent when all of their group are done, so there may be no task. ``cut``: there are more.
    """

    task: Task
    root: Task | None
    parent: Task | None
    children: list[Task]
    more_children: bool
    group: list[Task]
    body: Task | None
    tasks: dict[str, Task]
    bodies: dict[str, str]
    names: dict[str, str]
    cut: bool

    @property
    def alone(self) -> bool:
        return len(self.tasks) < 2

    @property
    def recorded(self) -> bool:
        """Whether the recorder told of groups; events alone do not."""
        return any(task.group_id for task in self.tasks.values())

    @property
    def to_come(self) -> dict[str, str]:
        """The names of bodies that nobody has seen yet, by id."""
        return {body: name for body, name in self.names.items() if body not in self.tasks}

    def members(self, group_id: str) -> list[Task]:
        return _early(each for each in self.tasks.values() if each.group_id == group_id)

    @property
    def body_to_come(self) -> str:
        """What runs after the task's own group, when nobody has seen that yet."""
        body = self.bodies.get(self.task.group_id, "")
        return self.to_come[body] or body if body in self.to_come else ""

    @property
    def shown_group(self) -> list[Task]:
        """Those that are not done first: the others wait for them."""
        others = [each for each in self.group if each.id != self.task.id]
        return sorted(others, key=lambda each: each.finished_at is not None)[:GROUP_SHOWN]

    @property
    def group_done(self) -> int:
        return sum(each.finished_at is not None for each in self.group)


def family(user: User, task: Task) -> Family:
    """Every query asks an index for one id and a limited number of rows."""
    rows = get_policy().visible(user, Task.objects.only(*NARROW)).order_by()
    root_id = task.root_id or task.id
    elders = rows.in_bulk({task.root_id, task.parent_id} - {"", task.id})
    children = _of(rows, "parent_id", task.id)
    parent = elders.get(task.parent_id)
    kin = _of(rows, "root_id", root_id)
    groups = {each.group_id for each in (task, parent) if each and each.group_id}
    members = [member for group in sorted(groups) for member in _of(rows, "group_id", group)]
    found = {task.id: task, **elders}
    # What waits for its groups belongs to a task whatever else does not fit.
    room = MOST - len(groups)
    for each in (*_early(children), *_early(members), *_early(kin)):
        if len(found) < room:
            found.setdefault(each.id, each)
    told = _bodies(user, found, groups)
    bodies = {group: body for group, (body, _name) in told.items()}
    missing = [body for body in dict.fromkeys(bodies.values()) if body not in found]
    found |= rows.in_bulk(missing[: MOST - len(found)])
    return Family(
        task=task,
        root=elders.get(task.root_id) if task.root_id != task.parent_id else None,
        parent=parent,
        children=_early(children)[:SHOWN],
        more_children=len(children) > SHOWN,
        group=_early(each for each in found.values() if each.group_id == task.group_id != ""),
        body=found.get(bodies.get(task.group_id, "")),
        tasks=found,
        bodies=bodies,
        names=dict(told.values()),
        cut=any(len(each) > MOST for each in (children, kin, members)) or len(found) >= room,
    )


def _of(rows: QuerySet[Task], column: str, value: str) -> list[Task]:
    """One more than ``MOST`` at most, along the index of the column.

    A range in its order is the same as equality; but of that PostgreSQL takes no order, and may
    read the whole table for the first rows of a family that is large in it.
    """
    span = {f"{column}__gte": value, f"{column}__lte": value}
    return list(rows.filter(**span).order_by(column)[: MOST + 1])


def _early(tasks: Iterable[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: (task.time, task.id))


def _bodies(user: User, found: dict[str, Task], first: set[str]) -> dict[str, tuple[str, str]]:
    """Id and name of the chord's body by group, as one member of each group tells them."""
    members = {task.group_id: task.id for task in found.values() if task.group_id}
    ordered = dict.fromkeys([*sorted(members.keys() & first), *members])
    asked = [members[group] for group in ordered][:CHORDS]
    if not asked:
        return {}
    rows = Task.objects.filter(pk__in=asked).only("id", "events", "group_id", *SHARED)
    told = {task.group_id: _body_of(task) for task in get_policy().visible(user, rows).order_by()}
    return {group: told[group] for group in ordered if told.get(group, ("", ""))[0]}


def _body_of(task: Task) -> tuple[str, str]:
    for event in events_of(task):
        chord: Any = event.data.get("chord") if event.type == PUBLISHED else None
        if isinstance(chord, dict) and isinstance(chord.get("id"), str):
            return chord["id"], str(chord.get("task") or "")
    return "", ""
