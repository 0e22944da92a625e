"""What workers told who asked them, redacted, as far as a reader may see it. Never stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django_celery_monitor.access.policy import User
from django_celery_monitor.control.redaction import reader, redactor
from django_celery_monitor.ingest import judge
from django_celery_monitor.ingest.fields import dump
from django_celery_monitor.models import WorkerReply
from django_celery_monitor.reading.inspected import visible_content

if TYPE_CHECKING:
    from celery import Celery

Part = WorkerReply.Part
# Of one reply, as JSON.
_WIDEST: Final = 200_000


def content_of(
    app: Celery, user: User | None, act: str, told: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """By host name: ``content``, ``total`` entries that were told, how many are ``hidden``, and
    which permission it ``needs`` that is missing.
    """
    if not told:
        return {}
    read = _reader(app, act)
    return {host: _visible(user, *read(said)) for host, said in sorted(told.items())}


def _reader(app: Celery, act: str) -> Any:
    """From a reply to its part, its content, and how many entries it had."""
    if act in Part.values:
        parts = reader(app)

        def kept(said: Any) -> tuple[str, Any, int]:
            found = parts.read(act, said)
            return (act, found.content, found.total) if found else (act, None, 0)

        return kept
    if act == "query_task":
        parts = reader(app)
        return lambda said: _placed(parts, said)
    mask = redactor(app)

    def masked(said: Any) -> tuple[str, Any, int]:
        content = mask.value(judge.scrub(said))
        text = dump(content)
        return "", content if len(text) <= _WIDEST else judge.cut(text, _WIDEST), 1

    return masked


def _placed(parts: Any, said: Any) -> tuple[str, Any, int]:
    """``{id: [state, task]}`` as a list of tasks with their state."""
    content = []
    for pair in said.values() if isinstance(said, dict) else ():
        state, task = pair if isinstance(pair, list | tuple) and len(pair) == 2 else ("", None)
        found = parts.read(Part.ACTIVE, [task])
        for each in found.content if found else ():
            content.append({**each, "state": judge.short_text(state)})
    return Part.ACTIVE, content, len(said)


def _visible(user: User | None, part: str, content: Any, total: int) -> dict[str, Any]:
    told = {"content": content, "total": total, "hidden": 0, "needs": None}
    if user is None or not part or content is None:
        return told
    found = visible_content(user, part, content)
    return {**told, "content": found.content, "hidden": found.hidden, "needs": found.needs or None}
