"""What is said about changes: by collectors over the channel layer, by us to browsers.

Ids and revisions only, never rows; ``docs/reference/live-protocol.md`` has it in full.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django_celery_monitor.live.rights import Rights

VERSION: Final = 1
GROUP: Final = "celery_monitor"
# Of tasks and of workers each; a browser that is told of more fetches its whole page anyway.
MAX_IDS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one commit changed, or several. ``more``: also what is not named here."""

    revision: int
    tasks: frozenset[str] = frozenset()
    workers: frozenset[str] = frozenset()
    more: bool = False

    @classmethod
    def of(
        cls, revision: int, tasks: Iterable[str], workers: Iterable[str], more: bool = False
    ) -> Change:
        """Names no more than ``MAX_IDS`` of each."""
        task_ids, hostnames = frozenset(tasks), frozenset(workers)
        return cls(
            revision=revision,
            tasks=_first(task_ids),
            workers=_first(hostnames),
            more=more or max(len(task_ids), len(hostnames)) > MAX_IDS,
        )

    def with_later(self, other: Change) -> Change:
        return Change.of(
            other.revision,
            self.tasks | other.tasks,
            self.workers | other.workers,
            self.more or other.more,
        )


def to_layer(change: Change) -> dict[str, Any]:
    return {
        "type": "celery_monitor.changed",
        "revision": change.revision,
        "tasks": list(change.tasks),
        "workers": list(change.workers),
        "more": change.more,
    }


def from_layer(message: Mapping[str, Any]) -> Change:
    return Change.of(
        message["revision"], message["tasks"], message["workers"], bool(message["more"])
    )


def hello(revision: int) -> str:
    return _text(type="hello", revision=revision)


def pong() -> str:
    return _text(type="pong")


def subscribed(query: str | None) -> str:
    return _text(type="subscribed", query=query)


def refused(reason: str) -> str:
    return _text(type="error", reason=reason)


def listed(revision: int, tasks: Iterable[str]) -> str:
    """What changed in the one list that a viewer subscribed to."""
    return _text(type="changed", revision=revision, tasks=sorted(tasks), workers=[], more=False)


def changed(change: Change, rights: Rights) -> str | None:
    """What a viewer with these rights may know of a change; ``None`` if that is nothing."""
    tasks = sorted(change.tasks) if rights.tasks and rights.names else []
    workers = sorted(change.workers) if rights.workers and rights.names else []
    unnamed = change.more or not rights.names
    if not (tasks or workers or unnamed):
        return None
    return _text(
        type="changed", revision=change.revision, tasks=tasks, workers=workers, more=unnamed
    )


def _first(names: frozenset[str]) -> frozenset[str]:
    return names if len(names) <= MAX_IDS else frozenset(islice(names, MAX_IDS))


def _text(**message: Any) -> str:
    return json.dumps({"v": VERSION, **message}, separators=(",", ":"))
