"""A family as the nodes and edges of a graph, small enough to be read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_celery_monitor.models import Task
from django_celery_monitor.reading.awaited import Awaited
from django_celery_monitor.reading.critical import Path, critical, step_of
from django_celery_monitor.reading.family import Family
from django_celery_monitor.reading.graph_ghosts import Edges, ghost_edges, ghost_nodes
from django_celery_monitor.reading.graph_nodes import Bundle, by_state, many, one
from django_celery_monitor.reading.heat import longest
from django_celery_monitor.reading.outline import outline
from django_celery_monitor.reading.words import duration

# More members than this are drawn as one node, of which a reader takes out so many at once.
COLLAPSED: Final = 25
STEP: Final = 100
# How much room a drawing is given before it is laid out, by its tallest column.
_SIZES: Final = ((1, "s"), (4, "m"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where nodes lead to: a task's page; this page with a node looked at, or with more of a
    bundle, by its key; the list of a group.
    """

    task: Callable[[str], str]
    node: Callable[[str], str]
    bundle: Callable[[str], str]
    group: Callable[[str], str]


def graph(
    family: Family,
    links: Links,
    now: datetime,
    opened: Mapping[str, int],
    known: Mapping[str, Awaited],
) -> dict[str, Any]:
    """For ``graph.ts``: nodes in the order of time; edges are pairs of places in that list.

    ``opened``: how often a reader asked to see more of a bundle. ``known``: by group, who is
    awaited; they and bodies that nobody has seen come last.
    """
    tasks = sorted(family.tasks.values(), key=lambda task: (task.time, task.id))
    found = _edges(family, tasks)
    path = critical({task.id: step_of(task, now) for task in tasks}, [edge[:2] for edge in found])
    place, bundles = _places(tasks, {family.task.id, *path.ids}, opened)
    ghosts = ghost_nodes(family, known, links.node, links.group)
    nodes = _nodes(family, _at_node(tasks, place), bundles, links, now) | ghosts
    index = {key: number for number, key in enumerate(nodes)}
    edges = {
        (index[begin], index[end]): kind
        for begin, end, kind in _drawn([*found, *ghost_edges(family, known, ghosts)], place)
    }
    tallest = _tallest(len(nodes), list(edges))
    return {
        "size": next((size for most, size in _SIZES if tallest <= most), "l"),
        "nodes": list(nodes.values()),
        "edges": [[begin, end, kind] for (begin, end), kind in edges.items()],
        "progress": by_state(tasks),
        "outline": outline(len(nodes), edges),
        **_path(path, [index[place[each]] for each in path.ids]),
    }


def _at_node(tasks: list[Task], place: Mapping[str, str]) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        found[place[task.id]].append(task)
    return found


def _nodes(
    family: Family,
    tasks: Mapping[str, list[Task]],
    bundles: Mapping[str, Bundle],
    links: Links,
    now: datetime,
) -> dict[str, dict[str, Any]]:
    nodes = {}
    for key, members in tasks.items():
        wait = longest(members, now)
        if key in bundles:
            url = links.bundle(_token(bundles[key]))
            nodes[key] = many(bundles[key], members, url, STEP, wait, cut=family.cut)
        else:
            nodes[key] = one(members[0], links.task(key), wait, here=key == family.task.id)
    return nodes


def _drawn(edges: Edges, place: Mapping[str, str]) -> Edges:
    """Between nodes, where edges are between tasks."""
    found = [(place.get(begin, begin), place.get(end, end), kind) for begin, end, kind in edges]
    return [(begin, end, kind) for begin, end, kind in found if begin != end]


def _path(path: Path, places: list[int]) -> dict[str, Any]:
    """One task alone is no path."""
    if len(places) < 2:
        return {"path": [], "path_text": ""}
    counted = ngettext("%(n)s task", "%(n)s tasks", len(places)) % {"n": len(places)}
    names = {"length": duration(path.length), "counted": counted}
    return {"path": places, "path_text": _("Critical path %(length)s, %(counted)s") % names}


def _places(
    tasks: list[Task], apart: set[str], opened: Mapping[str, int]
) -> tuple[dict[str, str], dict[str, Bundle]]:
    """The key of each task's node, and what the nodes of many tasks stand for."""
    of_task = {task.id: _bundle(task) for task in tasks}
    sizes = Counter(of_task.values())
    shown: Counter[Bundle] = Counter()
    place, bundles = {}, {}
    for task in tasks:
        bundle = of_task[task.id]
        place[task.id] = task.id
        if not bundle or sizes[bundle] <= COLLAPSED or task.id in apart:
            continue
        if shown[bundle] < opened.get(_token(bundle), 0) * STEP:
            shown[bundle] += 1
            continue
        # A task's id is never of this form: it holds no NUL.
        place[task.id] = "\0".join(("", *bundle))
        bundles[place[task.id]] = bundle
    return place, bundles


def _bundle(task: Task) -> Bundle | None:
    if task.group_id:
        return Bundle("group", task.group_id, task.name)
    return Bundle("parent", task.parent_id, task.name) if task.parent_id else None


def _token(bundle: Bundle) -> str:
    return blake2b("\0".join(bundle).encode(errors="replace"), digest_size=4).hexdigest()


def _edges(family: Family, tasks: list[Task]) -> Edges:
    found = [
        (task.parent_id, task.id, "calls")
        for task in tasks
        if task.parent_id in family.tasks and task.parent_id != task.id
    ]
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
