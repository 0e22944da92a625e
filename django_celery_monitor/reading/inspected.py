"""What a worker told when it was asked, as far as a reader may see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django_celery_monitor.access.policy import (
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    VIEW_WORKER_CONFIGURATION,
    User,
    get_policy,
)
from django_celery_monitor.models import Task, WorkerReply
from django_celery_monitor.reading.call import call

Part = WorkerReply.Part
# What takes another right than seeing workers.
NEEDS: Final[dict[str, str]] = {
    **dict.fromkeys((Part.ACTIVE, Part.RESERVED, Part.SCHEDULED, Part.REVOKED), VIEW_TASK),
    **dict.fromkeys((Part.CONF, Part.REPORT), VIEW_WORKER_CONFIGURATION),
}
# More rows than a page has use for.
SHOWN: Final = 200
_LONGEST: Final = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """When a part was told, and how many entries it had."""

    at: datetime
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTask:
    """A task that a worker said it has; ``call`` is ``None`` for who may not see arguments."""

    id: str
    name: str
    call: str | None
    args: str | None
    kwargs: str | None
    started: datetime | None
    eta: datetime | None
    queue: str
    priority: int
    acknowledged: bool
    redelivered: bool
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """``hidden``: how many of the first ``SHOWN`` the reader may not see."""

    tasks: list[HeldTask]
    hidden: int


def told(user: User, hostname: str) -> dict[str, Told]:
    """By part, without what was told."""
    rows = get_policy().visible(user, WorkerReply.objects.filter(worker=hostname))
    found = rows.values_list("part", "told_at", "total")
    return {part: Told(at=at, total=total) for part, at, total in found}


def contents(user: User, hostname: str, parts: Iterable[str]) -> dict[str, Any]:
    """What was told, by part: see docs/reference/models.md for what it looks like."""
    rows = WorkerReply.objects.filter(worker=hostname, part__in=list(parts))
    return dict(get_policy().visible(user, rows).values_list("part", "content"))


def held(user: User, entries: list[dict[str, Any]]) -> Held:
    """The tasks that ``user`` may see of those in a reply."""
    if not get_policy().can(user, VIEW_TASK):
        return Held(tasks=[], hidden=min(len(entries), SHOWN))
    entries = entries[:SHOWN]
    rights = _Rights(user, [str(each["id"]) for each in entries])
    seen = [each for each in entries if rights.may_see(str(each["id"]))]
    tasks = [_held(each, rights.may_read(str(each["id"]))) for each in seen]
    return Held(tasks=tasks, hidden=len(entries) - len(tasks))


def ids(user: User, entries: list[str]) -> list[str]:
    """The ids of tasks, as far as ``user`` may know them."""
    if not get_policy().can(user, VIEW_TASK):
        return []
    rights = _Rights(user, entries[:SHOWN])
    return [each for each in entries[:SHOWN] if rights.may_see(each)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """``content`` without what is ``hidden``; ``needs`` names a permission that is missing."""

    content: Any
    hidden: int
    needs: str


def visible_content(user: User, part: str, content: Any) -> Visible:
    """Of a whole reply what ``user`` may see."""
    needs = NEEDS.get(part, "")
    if needs and not get_policy().can(user, needs):
        return Visible(content=None, hidden=0, needs=needs)
    if needs != VIEW_TASK:
        return Visible(content=content, hidden=0, needs="")
    if part == Part.REVOKED:
        rights = _Rights(user, content)
        seen = [each for each in content if rights.may_see(each)]
        return Visible(content=seen, hidden=len(content) - len(seen), needs="")
    rights = _Rights(user, [str(each["id"]) for each in content])
    entries = [each for each in content if rights.may_see(str(each["id"]))]
    shown = [
        each if rights.may_read(str(each["id"])) else {**each, "args": None, "kwargs": None}
        for each in entries
    ]
    return Visible(content=shown, hidden=len(content) - len(shown), needs="")


class _Rights:
    """A policy that hides rows is asked for each; what it knows no row of, stays hidden."""

    def __init__(self, user: User, task_ids: list[str]) -> None:
        self._user = user
        self._policy = get_policy()
        self._open = not self._policy.hides(user, "Task")
        rows = Task.objects.filter(pk__in=task_ids).only("id", "name", "worker", "queue")
        self._rows = {row.id: row for row in self._policy.visible(user, rows)}
        self._reads = self._policy.can(user, VIEW_TASK_ARGUMENTS)

    def may_see(self, task_id: str) -> bool:
        return self._open or task_id in self._rows

    def may_read(self, task_id: str) -> bool:
        row = self._rows.get(task_id)
        if row is None or not self._reads:
            return self._reads and self._open
        return self._policy.can(self._user, VIEW_TASK_ARGUMENTS, row)


def _held(entry: dict[str, Any], reads: bool) -> HeldTask:
    args, kwargs = entry["args"], entry["kwargs"]
    text = ", ".join(call(args[:_LONGEST], kwargs[:_LONGEST])) if reads else None
    return HeldTask(
        id=entry["id"] or "",
        name=entry["name"] or "",
        call=text and text[:_LONGEST],
        args=args if reads else None,
        kwargs=kwargs if reads else None,
        started=_moment(entry["started"]),
        eta=_moment(entry.get("eta")),
        queue=entry["routing_key"] or "",
        priority=entry["priority"],
        acknowledged=entry["acknowledged"],
        redelivered=entry["redelivered"],
        pid=entry["pid"],
    )


def _moment(seconds: float | None) -> datetime | None:
    # A worker's clock may be anything; years past 9999 are none.
    if not seconds or not 0 < seconds < 4e9:
        return None
    return datetime.fromtimestamp(seconds, UTC)
