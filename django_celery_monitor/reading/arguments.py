"""What a task was called with, and how far what is kept of that can be trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.models import Task
from django_celery_monitor.reading.call import call
from django_celery_monitor.reading.code import INDENT, Piece, call_of, pieces

# Celery's own limit for a text in an event.
CELERY_CUTS: Final = 1024
_OUR_MARK: Final = re.compile(r"… \(([\d,]+) characters\)$")
_LEFT_OUT: Final = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """``code`` is empty when nothing is known; ``raw`` is what is kept, as it is.

    ``payload`` is the JSON of the message, ``whole`` says that nothing is missing from it.
    """

    code: list[Piece]
    source: str
    raw: str
    payload: str = ""
    whole: bool = False
    none: bool = False


def arguments(task: Task, events: Sequence[TaskEvent]) -> Arguments:
    name = task.name.rpartition(".")[2] or task.name
    told = next((event.data for event in events if event.type == PUBLISHED), {})
    payload, flaw = str(told.get("payload") or ""), str(told.get("flaw") or "")
    written = call_of(name, payload) if payload else None
    if written:
        source = _("as published, with secrets masked") if flaw else _("as published")
        none = written == f"{name}()"
        return Arguments(
            code=pieces(written),
            source=source,
            raw=payload,
            payload=payload,
            whole=not flaw,
            none=none,
        )
    parts = call(task.args, task.kwargs)
    lines = "".join(f"{INDENT}{part},\n" for part in parts)
    return Arguments(
        code=pieces(f"{name}(\n{lines})") if parts else [],
        source=_source(task, flaw),
        raw="\n".join(text for text in (task.args, task.kwargs) if text),
        none=not parts and bool(task.args or task.kwargs),
    )


def _source(task: Task, flaw: str) -> str:
    reasons = {
        "cut": _("text of an event: whole they are longer than the recorder takes"),
        "redacted": _("text of an event: the recorder left out what may be secret"),
        "serializer": _("text of an event: the message is not JSON"),
    }
    return reasons.get(flaw) or text_source(task.args, task.kwargs)


def text_source(*texts: str) -> str:
    """What an event's text is: whole perhaps, or cut, by us or by Celery."""
    for text in texts:
        if mark := _OUR_MARK.search(text):
            shown = len(text) - len(mark[0])
            return _("text of an event, cut at %(shown)s of %(all)s characters") % {
                "shown": f"{shown:,}",
                "all": mark[1],
            }
    if any(_LEFT_OUT in text for text in texts):
        return _("text of an event, which Celery cuts at %(limit)s characters") % {
            "limit": f"{CELERY_CUTS:,}"
        }
    return _("text of an event")
