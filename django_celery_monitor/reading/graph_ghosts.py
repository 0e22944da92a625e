"""Nodes of a family's graph for tasks of which there is no record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_celery_monitor.reading.awaited import Awaited
from django_celery_monitor.reading.family import Family
from django_celery_monitor.reading.graph_nodes import shortened

Edges = list[tuple[str, str, str]]
# In a key: a task's id holds no NUL.
_UNSEEN = "\0unseen\0"


def ghost_nodes(
    family: Family,
    known: Mapping[str, Awaited],
    of_task: Callable[[str], str],
    of_group: Callable[[str], str],
) -> dict[str, dict[str, Any]]:
    """By key: bodies that are still to come, and members that are missing, one node a group."""
    groups = {body: group for group, body in family.bodies.items()}
    found = {
        body: _body(body, name, of_task(body), known.get(groups[body]))
        for body, name in family.to_come.items()
    }
    for group, awaited in known.items():
        if awaited.unseen:
            found[f"{_UNSEEN}{group}"] = _members(awaited, of_group(group))
    return found


def ghost_edges(
    family: Family, known: Mapping[str, Awaited], ghosts: Mapping[str, object]
) -> Edges:
    """Between tasks and keys of ``ghosts``."""
    found = []
    for group, body in family.bodies.items():
        if body in ghosts:
            found += [(each.id, body, "chord") for each in family.members(group)]
    for group, awaited in known.items():
        body, parent = family.bodies.get(group, ""), awaited.members[0].parent_id
        key = f"{_UNSEEN}{group}"
        if key in ghosts and body:
            found.append((key, body, "chord"))
        if key in ghosts and parent in family.tasks:
            found.append((parent, key, "calls"))
    return found


def _body(task_id: str, name: str, url: str, known: Awaited | None) -> dict[str, Any]:
    """A chord's body that nobody has seen: it is sent when all of its group are done."""
    detail = _("Not sent yet")
    if known:
        names = {"done": known.done, "all": known.size}
        detail = _("Waits: %(done)s of %(all)s done") % names
    label = name or task_id
    return {
        "label": shortened(label),
        "detail": detail,
        "title": _("%(name)s, %(state)s") % {"name": label, "state": detail},
        "name": label,
        "kind": "unseen",
        "id": task_id,
        "url": url,
        "here": False,
        "ghost": True,
    }


def _members(known: Awaited, url: str) -> dict[str, Any]:
    """Members of a group without a record; ``url`` leads to those that have one."""
    count = len(known.unseen)
    label = ngettext("%(n)s member without a record", "%(n)s members without a record", count)
    names = {"n": count, "places": known.places, "all": known.size}
    detail = ngettext("No. %(places)s of %(all)s", "Nos. %(places)s of %(all)s", count) % names
    return {
        "label": label % names,
        "detail": detail,
        "title": f"{label % names}. {detail}",
        "name": label % names,
        "kind": "unseen",
        "url": url,
        "here": False,
        "ghost": True,
    }
