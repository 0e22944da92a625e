"""A family as the nodes and edges of a graph, small enough to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.family import Family
from django_celery_monitor.reading.words import STATES, duration
from django_celery_monitor.state.states import IGNORED, group

# More members than this are drawn as one node.
COLLAPSED: Final = 25
# How much room a drawing is given before it is laid out, by its tallest column.
_SIZES: Final = ((1, "s"), (4, "m"))
_LABEL: Final = 26


class Bundle(NamedTuple):
    """What makes tasks members of one node: a group, or the same caller and name."""

    kind: str
    key: str
    name: str


def graph(
    family: Family, address: Callable[[str], str], group_address: Callable[[Bundle], str]
) -> dict[str, Any]:
    """For ``graph.ts``: nodes in the order of time; edges are pairs of places in that list."""
    tasks = sorted(family.tasks.values(), key=lambda task: (task.time, task.id))
    place, bundles = _places(family, tasks)
    nodes: dict[str, dict[str, Any]] = {}
    for task in tasks:
        key = place[task.id]
        if key not in nodes:
            bundle = bundles.get(key)
            nodes[key] = (
                _many(bundle, [each for each in tasks if place[each.id] == key], group_address)
                if bundle
                else _one(task, task.id == family.task.id, address)
            )
    index = {key: number for number, key in enumerate(nodes)}
    edges = {
        (index[place[begin]], index[place[end]]): kind
        for begin, end, kind in _edges(family, tasks)
        if place[begin] != place[end]
    }
    tallest = _tallest(len(nodes), list(edges))
    size = next((size for most, size in _SIZES if tallest <= most), "l")
    return {
        "size": size,
        "nodes": list(nodes.values()),
        "edges": [[begin, end, kind] for (begin, end), kind in edges.items()],
    }


def _places(family: Family, tasks: list[Task]) -> tuple[dict[str, str], dict[str, Bundle]]:
    """The key of each task's node, and what the nodes of many tasks stand for."""
    of_task = {task.id: _bundle(task) for task in tasks}
    sizes = Counter(of_task.values())
    place, bundles = {}, {}
    for task in tasks:
        bundle = of_task[task.id]
        if bundle and sizes[bundle] > COLLAPSED and task.id != family.task.id:
            # A task's id is never of this form: it holds no NUL.
            place[task.id] = "\0".join(("", *bundle))
            bundles[place[task.id]] = bundle
        else:
            place[task.id] = task.id
    return place, bundles


def _bundle(task: Task) -> Bundle | None:
    if task.group_id:
        return Bundle("group", task.group_id, task.name)
    return Bundle("parent", task.parent_id, task.name) if task.parent_id else None


def _edges(family: Family, tasks: list[Task]) -> list[tuple[str, str, str]]:
    found = [(task.parent_id, task.id, "calls") for task in tasks if task.parent_id in family.tasks]
    for task in tasks:
        body = family.bodies.get(task.group_id, "") if task.group_id else ""
        if body in family.tasks and body != task.id:
            found.append((task.id, body, "chord"))
    if not family.recorded:
        return found
    # The member that ended last starts the body; that it waited for all of them says more.
    bodies = {end for _begin, end, kind in found if kind == "chord"}
    return [edge for edge in found if edge[2] == "chord" or edge[1] not in bodies]


def _tallest(size: int, edges: list[tuple[int, int]]) -> int:
    """About how many nodes will stand above each other. Callers come before whom they call."""
    depths = [0] * size
    for begin, end in sorted(edges):
        depths[end] = max(depths[end], depths[begin] + 1)
    return max(Counter(depths).values(), default=0)


def _one(task: Task, here: bool, address: Callable[[str], str]) -> dict[str, Any]:
    name = task.name or task.id
    state = str(STATES.get(task.state, task.state))
    took = duration(task.duration) if task.duration is not None else ""
    title = _("%(name)s, %(state)s") % {"name": name, "state": state}
    return {
        "label": _shortened(name),
        "detail": f"{state} · {took}" if took else state,
        "title": title,
        "kind": "ignored" if task.state == IGNORED else group(task.state),
        "url": address(task.id),
        "here": here,
    }


def _many(bundle: Bundle, members: list[Task], address: Callable[[Bundle], str]) -> dict[str, Any]:
    done = sum(member.finished_at is not None for member in members)
    kinds = Counter(group(member.state) for member in members)
    worst = next((kind for kind in ("failed", "lost", "retrying") if kinds[kind]), "")
    names = {"done": done, "all": len(members), "name": bundle.name}
    return {
        "label": _shortened(bundle.name),
        "detail": _("%(done)s / %(all)s done") % names,
        "title": _("%(name)s: %(done)s of %(all)s done") % names,
        "kind": worst or kinds.most_common(1)[0][0],
        "url": address(bundle),
        "here": False,
        "many": True,
    }


def _shortened(name: str) -> str:
    """The end of a name tells more than its packages."""
    return name if len(name) <= _LABEL else f"…{name[1 - _LABEL :]}"
