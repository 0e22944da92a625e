"""The family on a task's page, and one of it looked at closer, without leaving the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, get_policy
from django_celery_monitor.models import Task
from django_celery_monitor.reading.arguments import Arguments, arguments
from django_celery_monitor.reading.awaited import Awaited, awaited
from django_celery_monitor.reading.family import Family, family
from django_celery_monitor.reading.graph import Links, graph
from django_celery_monitor.reading.heat import legend
from django_celery_monitor.reading.passages import Passage, passages
from django_celery_monitor.reading.sentence import sentence
from django_celery_monitor.state.derive import derive
from django_celery_monitor.storage.rows import events_of
from django_celery_monitor.views.addresses import of_task, of_tasks

# How often a reader may ask for more of a group; a family has no more members than that draws.
OPENED: Final = 40
CALLED: Final = 5
ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """``task`` is ``None`` for a chord's body that nobody has seen yet.

    ``waits_for``: the group that has to be done before it; ``own``: the group it belongs to.
    """

    id: str
    name: str
    url: str
    task: Task | None = None
    payload: bool = False
    sentence: str = ""
    # The latest, newest first.
    passages: tuple[Passage, ...] = ()
    attempts: int = 0
    arguments: Arguments | None = None
    parent: Task | None = None
    called: tuple[Task, ...] = ()
    more_called: int = 0
    waits_for: Awaited | None = None
    own: Awaited | None = None


def relatives(request: HttpRequest, found: Task, now: datetime) -> dict[str, Any]:
    kin = family(request.user, found)
    known = awaited(request.user, kin)
    opened = Counter(request.GET.getlist("open")[:OPENED])
    links = Links(
        task=of_task,
        node=lambda task_id: _here(request.GET, node=task_id),
        bundle=lambda key: _here(request.GET, more=key),
        group=lambda group: of_tasks(group=group),
    )
    drawn = graph(kin, links, now, opened, known)
    own = known.get(found.group_id)
    return {
        "family": kin,
        "waits_for": _waits_for(kin, known, found.id),
        "awaited": own,
        "group_size": own.size if own else len(kin.group),
        "graph": drawn,
        # Without what is told beside it, so that it is drawn anew only when it looks different.
        "graph_data": {key: drawn[key] for key in ("size", "nodes", "edges", "path")},
        "graph_list": [(drawn["nodes"][place], depth) for place, depth in drawn["outline"]],
        "on_path": [drawn["nodes"][place] for place in drawn["path"]],
        "folded_url": _here(request.GET, fold=True) if opened else "",
        "more_url": of_tasks(root=found.root_id or found.id),
        "node": _node(request, kin, known, now),
        "node_closed_url": _here(request.GET),
        "heat_legend": legend(),
    }


def _node(
    request: HttpRequest, kin: Family, known: Mapping[str, Awaited], now: datetime
) -> Node | None:
    """What ``?node=`` asks for, if it is of this family."""
    task_id = request.GET.get("node", "")
    if task_id in kin.to_come:
        return Node(
            id=task_id,
            name=kin.to_come[task_id],
            url=_here(request.GET, node=task_id),
            waits_for=_waits_for(kin, known, task_id),
        )
    if task_id not in kin.tasks:
        return None
    policy = get_policy()
    task = policy.visible(request.user, Task.objects.filter(pk=task_id)).first()
    return _looked_at(request, kin, known, task, now) if task else None


def _looked_at(
    request: HttpRequest, kin: Family, known: Mapping[str, Awaited], task: Task, now: datetime
) -> Node:
    events = events_of(task)
    ways = passages(events, derive(events).runs) if events else []
    payload = get_policy().can(request.user, VIEW_TASK_ARGUMENTS, task)
    called = [each for each in kin.tasks.values() if each.parent_id == task.id != each.id]
    called.sort(key=lambda each: (each.time, each.id))
    return Node(
        id=task.id,
        name=task.name,
        url=of_task(task.id),
        task=task,
        payload=payload,
        sentence=sentence(task, ways, None, now) if events else "",
        passages=tuple(ways[: -ATTEMPTS - 1 : -1]),
        attempts=len(ways),
        arguments=arguments(task, events) if payload else None,
        parent=kin.tasks.get(task.parent_id),
        called=tuple(called[:CALLED]),
        more_called=len(called[CALLED:]),
        waits_for=_waits_for(kin, known, task.id),
        own=_group(kin, known, task.group_id) if task.group_id else None,
    )


def _waits_for(kin: Family, known: Mapping[str, Awaited], body: str) -> Awaited | None:
    group = next((group for group, each in kin.bodies.items() if each == body), "")
    return _group(kin, known, group) if group else None


def _group(kin: Family, known: Mapping[str, Awaited], group: str) -> Awaited:
    return known.get(group) or Awaited(group_id=group, members=kin.members(group))


def _here(params: QueryDict, *, more: str = "", fold: bool = False, node: str = "") -> str:
    """This page with more of a bundle drawn one by one, or none; else with a node or without."""
    copy = params.copy()
    if fold:
        copy.setlist("open", [])
    elif more:
        copy.setlist("open", [*params.getlist("open")[:OPENED], more])
    else:
        copy.setlist("node", [node] if node else [])
    return f"?{copy.urlencode()}#family-drawing"
