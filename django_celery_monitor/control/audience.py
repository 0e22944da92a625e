"""What workers told somebody who asked, as far as that person may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django_celery_monitor.access.policy import User
from django_celery_monitor.control.inspecting import Part
from django_celery_monitor.control.redaction import reader
from django_celery_monitor.reading.inspected import visible_content

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.control.told import Reader


def seen_by(app: Celery, user: User, act: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """By host name; redacted and of the shape that is kept of such replies.

    What is no part of those (a ping, a clock, memory) tells of no task and stays as it came.
    """
    if act == "query_task":
        masks = reader(app)
        return {host: _found(masks, user, reply) for host, reply in told.items()}
    if act not in Part.values:
        return dict(told)
    masks = reader(app)
    read = {host: masks.read(act, reply) for host, reply in told.items()}
    return {
        host: visible_content(user, act, said.content).content
        for host, said in read.items()
        if said
    }


def _found(masks: Reader, user: User, reply: Any) -> dict[str, Any]:
    """By task id, where it is and what it is."""
    found = {}
    for task_id, entry in reply.items() if isinstance(reply, dict) else ():
        if isinstance(entry, list | tuple) and len(entry) == 2:
            said = masks.read(Part.ACTIVE, [entry[1]])
            seen = visible_content(user, Part.ACTIVE, said.content).content if said else None
            if seen:
                found[task_id] = [str(entry[0]), seen[0]]
    return found
