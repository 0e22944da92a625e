"""The vocabulary that all stages speak. Standard library only."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

# Seconds since the epoch, as the sender's clock had it.
Timestamp = float

# The type of what the monitor concludes itself; no sender may use it. Its ``data`` has the
# ``state`` and the ``source`` (the row's ``known_by``), and perhaps ``result`` or ``exception``.
SETTLED: Final = "monitor-settled"
# What the recorder tells of a task at the moment when it is published; the wire's type too. Its
# ``data`` has what ``sent`` has and ``RECORDED``.
PUBLISHED: Final = "monitor-published"
RECORDED: Final = (
    "group_id",
    "group_index",
    "chord",
    "priority",
    "periodic_name",
    "origin",
    "stamps",
    "timelimit",
    "headers",
    # The arguments as kombu's type-tagged JSON, ``[args, kwargs]``; what ``flaw`` says is wrong
    # with it ("cut", "redacted", "serializer"). Without a flaw the task can be sent again from it.
    "payload",
    "flaw",
    # The same of what follows: callbacks, errbacks and the rest of a chain, by these names.
    "canvas",
    "canvas_flaw",
    "shadow",
)


class TaskEvent(NamedTuple):
    """One event of one task. The first five fields are its identity, exactly as it was sent.

    They are also its place in the total order of a task's events. ``data`` holds the event's own
    fields that are neither ``None`` nor empty.
    """

    timestamp: Timestamp
    clock: int
    # Without the "task-" in front.
    type: str
    hostname: str
    pid: int
    data: dict[str, Any]


class WorkerEvent(NamedTuple):
    """``online``, ``heartbeat`` or ``offline``, with what the worker says of itself."""

    timestamp: Timestamp
    clock: int
    type: str
    hostname: str
    pid: int
    data: dict[str, Any]


class BadEventError(ValueError):
    """An event that must not be stored; the message says why."""


class Decoded(NamedTuple):
    """What a batch of messages says, sorted by whom it speaks of."""

    # Task id to its events, in order of arrival.
    tasks: dict[str, list[TaskEvent]]
    workers: list[WorkerEvent]
    # What was kept out: the reason and the text of the message or event.
    bad: list[tuple[str, str]]
    # Events of groups that no monitor stores, such as gossip.
    ignored: int
