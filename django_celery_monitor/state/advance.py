"""The next event of a task whose life is the usual one, without a look at the events before it.

A short way to what ``derive`` finds, for these cases only; a property in the tests compares them.
"""

from __future__ import annotations

from typing import Any, Final

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.state import states
from django_celery_monitor.state.derive import UNRECORDED, Facts, recorded
from django_celery_monitor.state.runs import Run

_BEGINNINGS: Final = frozenset({"sent", PUBLISHED, "received", "started"})
# What only an end tells. The text of an event depends on whether the row says the same.
_ENDINGS: Final = frozenset({"result", "exception", "runtime"})
_STATE, _KNOWN_BY, _RECEIVED, _STARTED, _FINISHED, _UPDATED, _ETA, _EXPIRES = map(
    Facts._fields.index,
    ("state", "known_by", "received", "started", "finished", "updated", "eta", "expires"),
)
_WORKER, _ARGS, _KWARGS, _RESULT, _RUNTIME, _ROOT, _PARENT, _RUNS = map(
    Facts._fields.index,
    ("worker", "args", "kwargs", "result", "runtime", "root_id", "parent_id", "runs"),
)


def is_usual(events: list[TaskEvent]) -> bool:
    """Whether ``advance`` may go on from there: one attempt, begun once and not ended."""
    seen: set[str] = set()
    attempts: set[int] = set()
    # The latest first: most often it is what tells.
    for _time, _clock, kind, _host, _pid, data in reversed(events):
        if kind not in _BEGINNINGS or kind in seen or not _ENDINGS.isdisjoint(data):
            return False
        seen.add(kind)
        if kind != "started":
            attempts.add(data.get("retries", 0))
    return len(attempts) == 1


def begin(event: TaskEvent) -> Facts | None:
    """What ``derive`` would find of a task's first word alone: that it was sent."""
    kind, data = event.type, event.data
    if kind == "sent":
        told = UNRECORDED
    elif kind == PUBLISHED:
        told = recorded(data)
    else:
        return None
    time = event.timestamp
    values = (
        *(data.get("name", ""), states.PENDING, "sender", time, time, None, None, None, time),
        *(data.get("eta"), data.get("expires"), "", data.get("queue", "")),
        *(data.get("args", ""), data.get("kwargs", ""), "", "", None),
        *(data.get("retries", 0), False, data.get("root_id", ""), data.get("parent_id", "")),
        *told,
        (),
    )
    return Facts._make(values)


def advance(facts: Facts, event: TaskEvent) -> Facts | None:
    """What ``derive`` would find of the usual events of ``facts`` and ``event``.

    ``None``: only ``derive`` knows. Otherwise the events before have the same text as they had,
    and but for a success ``advance`` may go on from there again.
    """
    if event.timestamp <= facts.updated or not facts.name:
        return None
    kind = event.type
    if kind != "succeeded" and not _ENDINGS.isdisjoint(event.data):
        return None
    if kind == "received":
        return _received(facts, event)
    if len(facts.runs) != 1 or facts.runs[0].worker != event.hostname:
        return None
    if kind == "started" and facts.started is None:
        return _started(facts, event)
    return _succeeded(facts, event) if kind == "succeeded" else None


def _received(facts: Facts, event: TaskEvent) -> Facts | None:
    data = event.data
    root, parent = data.get("root_id", ""), data.get("parent_id", "")
    if (
        facts.runs
        or data.get("name", facts.name) != facts.name
        or data.get("retries", 0) != facts.retries
        or (facts.root_id or root) != root
        or (facts.parent_id or parent) != parent
    ):
        return None
    time, worker = event.timestamp, event.hostname
    values: list[Any] = list(facts)
    values[_STATE], values[_KNOWN_BY] = states.RECEIVED, "worker"
    values[_RECEIVED] = values[_UPDATED] = time
    values[_ETA], values[_EXPIRES] = data.get("eta"), data.get("expires")
    values[_WORKER] = worker
    values[_ARGS] = facts.args or data.get("args", "")
    values[_KWARGS] = facts.kwargs or data.get("kwargs", "")
    values[_ROOT], values[_PARENT] = root, parent
    run = Run(facts.retries, worker, time, None, None, "", None, None, "", "", None, None)
    values[_RUNS] = (run,)
    return Facts._make(values)


def _started(facts: Facts, event: TaskEvent) -> Facts:
    run, time = facts.runs[0], event.timestamp
    begun = facts.sent or run.received or time
    wait = max(time - max(begun, facts.eta or 0.0), 0.0)
    values: list[Any] = list(facts)
    values[_STATE] = states.STARTED
    values[_STARTED] = values[_UPDATED] = time
    values[_RUNS] = (
        Run(run.retries, run.worker, run.received, time, None, "", wait, None, "", "", None, None),
    )
    return Facts._make(values)


def _succeeded(facts: Facts, event: TaskEvent) -> Facts:
    run, time = facts.runs[0], event.timestamp
    told = runtime = event.data.get("runtime")
    if runtime is None and run.started is not None:
        runtime = max(time - run.started, 0.0)
    values: list[Any] = list(facts)
    values[_STATE] = states.SUCCESS
    values[_FINISHED] = values[_UPDATED] = time
    values[_RESULT], values[_RUNTIME] = event.data.get("result", ""), told
    values[_RUNS] = (
        Run(
            *(run.retries, run.worker, run.received, run.started, time, "succeeded"),
            *(run.wait, runtime, "", "", event, None),
        ),
    )
    return Facts._make(values)
