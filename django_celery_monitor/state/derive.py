"""``derive``: everything a task's row says, as one pure function of the set of its events.

The rules, in the order in which they decide:

=====================  =====================================================================
attempt                the highest ``retries`` that a worker reported; while that is open, also
                       what was delivered after it and ended
final state            SUCCESS > REJECTED > FAILURE > REVOKED; equally strong: the latest
no final               RETRY when the attempt ended so and was not delivered again after; else
                       the app's own state, STARTED, RECEIVED; PENDING when it was given back
no worker yet          PENDING: sending never moves a state that a worker reported
what we concluded      of a run that no worker ended, unless its worker spoke of it after that;
                       the result backend counts most, then a worker that was asked and no longer
                       has it, then a worker's silence; these two hold for that worker's run only
started after a final  ``running_again`` beside the state, until that run ends
name                   of the earliest ``received``, else of the earliest ``sent``
arguments              of the earliest ``published``, else ``sent``, else ``received``
result, exception      of the event that decided the state
=====================  =====================================================================
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django_celery_monitor.events import PUBLISHED, SETTLED, TaskEvent, Timestamp
from django_celery_monitor.state import states
from django_celery_monitor.state.announced import announced
from django_celery_monitor.state.runs import FINAL, RANK, Run, runs_of

STATE_OF: Final = {
    "succeeded": states.SUCCESS,
    "rejected": states.REJECTED,
    "failed": states.FAILURE,
    "revoked": states.REVOKED,
    "retried": states.RETRY,
    "requeued": states.PENDING,
}


class Facts(NamedTuple):
    """What the events say. Times are seconds since the epoch; texts are empty when unknown."""

    name: str
    state: str
    # "sender" until a worker spoke of the task, then "worker"; else the source of a conclusion.
    known_by: str
    time: Timestamp
    sent: Timestamp | None
    received: Timestamp | None
    started: Timestamp | None
    finished: Timestamp | None
    updated: Timestamp
    eta: Timestamp | None
    expires: Timestamp | None
    worker: str
    queue: str
    args: str
    kwargs: str
    result: str
    exception: str
    runtime: float | None
    retries: int
    running_again: bool
    root_id: str
    parent_id: str
    group_id: str
    priority: int | None
    periodic_name: str
    origin: str
    runs: tuple[Run, ...]


def derive(events: list[TaskEvent]) -> Facts:
    """``events``: not empty, in the total order (see ``event_set.union``)."""
    runs = runs_of(events)
    state, run, running_again = _state(runs)
    published, sent, latest_sent, received, latest = announced(events)
    end = run.end if run and run.outcome in FINAL else None
    settled = None if end else _settled(events, run)
    told = settled or end or _NOTHING
    return Facts(
        received.get("name") or sent.get("name", ""),
        settled.data["state"] if settled else state,
        settled.data["source"] if settled else "worker" if runs else "sender",
        events[0].timestamp,
        latest_sent.timestamp if latest_sent else None,
        run.received if run else None,
        run.started if run else None,
        told.timestamp or None,
        events[-1].timestamp,
        latest.get("eta"),
        latest.get("expires"),
        run.worker if run else "",
        latest_sent.data.get("queue", "") if latest_sent else "",
        sent.get("args") or received.get("args", ""),
        sent.get("kwargs") or received.get("kwargs", ""),
        told.data.get("result", ""),
        run.exception if run and not settled else told.data.get("exception", ""),
        told.data.get("runtime"),
        latest.get("retries", 0),
        running_again,
        latest.get("root_id", ""),
        latest.get("parent_id", ""),
        *(recorded(published) if published else UNRECORDED),
        runs,
    )


def recorded(published: dict[str, Any]) -> tuple[str, Any, str, str]:
    return (
        published.get("group_id", ""),
        published.get("priority"),
        published.get("periodic_name", ""),
        published.get("origin", ""),
    )


# Sources of conclusions.
WORKER_LOST: Final = "worker lost"
WORKER_ASKED: Final = "worker asked"
RESULT_BACKEND: Final = "result backend"
# The weakest first.
_SOURCES: Final = (WORKER_LOST, WORKER_ASKED, RESULT_BACKEND)
_NO_WORKER_S_WORD: Final = frozenset({"sent", PUBLISHED, SETTLED})
UNRECORDED: Final[tuple[str, Any, str, str]] = ("", None, "", "")
_NOTHING: Final = TaskEvent(0.0, 0, "", "", 0, {})


def _settled(events: list[TaskEvent], run: Run | None) -> TaskEvent | None:
    """What we concluded of a task that no worker ended."""
    concluded = [event for event in events if event.type == SETTLED]
    if not concluded:
        return None
    # On one host only: clocks of two may differ by more than a task takes.
    words = [
        event.timestamp
        for event in events
        if run and event.hostname == run.worker and event.type not in _NO_WORKER_S_WORD
    ]
    heard = max(words, default=0.0)
    found = [event for event in concluded if heard <= event.timestamp and _is_about(event, run)]
    return max(found, key=_weight, default=None)


def _is_about(settled: TaskEvent, run: Run | None) -> bool:
    if run is None or settled.data["source"] == RESULT_BACKEND:
        return True
    return not run.outcome and settled.hostname == run.worker


def _weight(settled: TaskEvent) -> tuple[int, Timestamp]:
    return _SOURCES.index(settled.data["source"]), settled.timestamp


def _state(runs: tuple[Run, ...]) -> tuple[str, Run | None, bool]:
    """The state, the run that decides it, and whether another run started after it ended."""
    if not runs:
        return states.PENDING, None, False
    if len(runs) == 1:
        run = runs[0]
        return STATE_OF.get(run.outcome) or _open_state(run), run, False
    attempt = [run for run in runs if run.retries == runs[-1].retries]
    strongest = max([*attempt, *_deliveries_after(attempt, runs)], key=_strength)
    if strongest.outcome in FINAL:
        return STATE_OF[strongest.outcome], strongest, _restarted(runs, strongest)
    ended = (strongest.ended or 0.0) if strongest.outcome == "retried" else 0.0
    open_runs = [run for run in attempt if not run.outcome and _begun(run) >= ended]
    if not open_runs:
        return STATE_OF[strongest.outcome], strongest, False
    run = max(open_runs, key=_progress)
    return _open_state(run), run, False


def _deliveries_after(attempt: list[Run], runs: tuple[Run, ...]) -> list[Run]:
    """Of an attempt that is open, what was delivered after it though it counts fewer retries.

    A task that replaces itself starts from no retries again, and its first run never ends.
    """
    if any(run.outcome for run in attempt):
        return []
    begun = max(_begun(run) for run in attempt)
    return [run for run in runs if run.outcome in FINAL and _begun(run) > begun]


def _begun(run: Run) -> Timestamp:
    return run.received or run.started or 0.0


def _progress(run: Run) -> tuple[bool, Timestamp]:
    return run.started is not None or bool(run.custom), _begun(run)


def _strength(run: Run) -> tuple[int, Timestamp, int]:
    end: Any = run.end
    return RANK[run.outcome], run.ended or 0.0, end.clock if end else 0


def _open_state(run: Run) -> str:
    if run.custom:
        return run.custom
    return states.STARTED if run.started is not None else states.RECEIVED


def _restarted(runs: tuple[Run, ...], final: Run) -> bool:
    ended = final.ended or 0.0
    return any(not run.outcome and run.started and run.started > ended for run in runs)
