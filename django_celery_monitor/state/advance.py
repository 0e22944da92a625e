"""The next events of a task whose life is the usual one, without a look at those before them.

A short way to what ``derive`` finds, for these cases only; a property in the tests compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.state import states
from django_celery_monitor.state.derive import UNRECORDED, Facts, recorded
from django_celery_monitor.state.runs import Run

_BEGINNINGS: Final = frozenset({"sent", PUBLISHED, "received", "started"})
# What only an end tells. The text of an event depends on whether the row says the same.
_ENDINGS: Final = frozenset({"result", "exception", "runtime"})
_NAME, _STATE, _KNOWN_BY, _SENT, _RECEIVED, _STARTED, _FINISHED, _UPDATED = map(
    Facts._fields.index,
    ("name", "state", "known_by", "sent", "received", "started", "finished", "updated"),
)
_ETA, _EXPIRES, _WORKER, _ARGS, _KWARGS, _RESULT, _RUNTIME, _RETRIES = map(
    Facts._fields.index,
    ("eta", "expires", "worker", "args", "kwargs", "result", "runtime", "retries"),
)
_ROOT, _PARENT, _RUNS = map(Facts._fields.index, ("root_id", "parent_id", "runs"))


def is_usual(events: list[TaskEvent]) -> bool:
    """Whether ``follow`` may go on from there: one attempt, begun once and not ended."""
    if len(events) == 1:
        kind, data = events[0].type, events[0].data
        return kind in _BEGINNINGS and kind != "started" and _ENDINGS.isdisjoint(data)
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


def follow(facts: Facts, events: Sequence[TaskEvent]) -> Facts | None:
    """What ``derive`` would find of the usual events of ``facts`` and of ``events`` together.

    ``events`` are in the order of their times. ``None``: only ``derive`` knows. Otherwise the
    events before have the same text as they had, and but for a success this may go on from there.
    """
    if len(facts.runs) > 1 or not facts.name:
        return None
    values: list[Any] = list(facts)
    for event in events:
        step = _STEPS.get(event.type)
        if step is None or event.timestamp <= values[_UPDATED] or not step(values, event):
            return None
        values[_UPDATED] = event.timestamp
    return Facts._make(values)


def _receive(values: list[Any], event: TaskEvent) -> bool:
    data = event.data
    root, parent = data.get("root_id", ""), data.get("parent_id", "")
    if (
        values[_RUNS]
        or data.get("name", values[_NAME]) != values[_NAME]
        or data.get("retries", 0) != values[_RETRIES]
        or (values[_ROOT] or root) != root
        or (values[_PARENT] or parent) != parent
        or not _ENDINGS.isdisjoint(data)
    ):
        return False
    time, worker = event.timestamp, event.hostname
    values[_STATE], values[_KNOWN_BY] = states.RECEIVED, "worker"
    values[_RECEIVED], values[_WORKER] = time, worker
    values[_ETA], values[_EXPIRES] = data.get("eta"), data.get("expires")
    values[_ARGS] = values[_ARGS] or data.get("args", "")
    values[_KWARGS] = values[_KWARGS] or data.get("kwargs", "")
    values[_ROOT], values[_PARENT] = root, parent
    run = Run(values[_RETRIES], worker, time, None, None, "", None, None, "", "", None, None)
    values[_RUNS] = (run,)
    return True


def _start(values: list[Any], event: TaskEvent) -> bool:
    run = _run(values, event)
    if run is None or run.started is not None or not _ENDINGS.isdisjoint(event.data):
        return False
    time = event.timestamp
    begun = values[_SENT] or run.received or time
    wait = max(time - max(begun, values[_ETA] or 0.0), 0.0)
    values[_STATE], values[_STARTED] = states.STARTED, time
    values[_RUNS] = (
        Run(run.retries, run.worker, run.received, time, None, "", wait, None, "", "", None, None),
    )
    return True


def _succeed(values: list[Any], event: TaskEvent) -> bool:
    run = _run(values, event)
    if run is None:
        return False
    time = event.timestamp
    told = runtime = event.data.get("runtime")
    if runtime is None and run.started is not None:
        runtime = max(time - run.started, 0.0)
    values[_STATE], values[_FINISHED] = states.SUCCESS, time
    values[_RESULT], values[_RUNTIME] = event.data.get("result", ""), told
    values[_RUNS] = (
        Run(
            *(run.retries, run.worker, run.received, run.started, time, "succeeded"),
            *(run.wait, runtime, "", "", event, None),
        ),
    )
    return True


def _run(values: list[Any], event: TaskEvent) -> Run | None:
    """The open run, if the event can only be of it."""
    for run in values[_RUNS]:
        if run.worker == event.hostname and not run.outcome:
            return run  # type: ignore[no-any-return]
    return None


_STEPS: Final[dict[str, Callable[[list[Any], TaskEvent], bool]]] = {
    "received": _receive,
    "started": _start,
    "succeeded": _succeed,
}
