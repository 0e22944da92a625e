"""A task's events grouped into runs: one delivery to one worker each."""

from __future__ import annotations

from typing import Final, NamedTuple

from django_celery_monitor.events import PUBLISHED, SETTLED, TaskEvent, Timestamp

# How a run ended, weakest first; of equally strong ends the latest counts.
RANK: Final = {
    "": 0,
    "requeued": 1,
    "retried": 2,
    "revoked": 3,
    "failed": 4,
    "rejected": 5,
    "succeeded": 6,
}
ERROR_TYPES: Final = frozenset({"failed", "retried"})
_SENT: Final = frozenset({"sent", PUBLISHED})
FINAL: Final = frozenset({"revoked", "failed", "rejected", "succeeded"})


class Run(NamedTuple):
    """One delivery. Times are the worker's own; ``wait`` and ``runtime`` are seconds."""

    retries: int
    worker: str
    received: Timestamp | None
    started: Timestamp | None
    ended: Timestamp | None
    # A key of RANK; empty while the run is open.
    outcome: str
    wait: float | None
    runtime: float | None
    exception: str
    # The latest state of the app's own that it reported, such as PROGRESS.
    custom: str
    # The event that ended it.
    end: TaskEvent | None
    # The latest failure or retry in it; a worker may tell one failure twice.
    error: TaskEvent | None


class _Draft:
    """A run while its events are being collected."""

    __slots__ = (
        "anchor",
        "begin",
        "custom",
        "end",
        "error",
        "outcome",
        "retries",
        "started",
        "worker",
    )

    def __init__(self, retries: int, first: TaskEvent) -> None:
        self.retries = retries
        self.worker = first.hostname
        self.begin = first.timestamp
        self.anchor = first if first.type == "received" else None
        self.started: Timestamp | None = None
        self.end: TaskEvent | None = None
        self.error: TaskEvent | None = None
        self.outcome = ""
        self.custom = ""

    def add(self, event: TaskEvent) -> None:
        if outcome := outcome_of(event):
            if event.type in ERROR_TYPES:
                self.error = event
            if RANK[outcome] >= RANK[self.outcome]:
                self.outcome, self.end = outcome, event
        elif event.type == "started":
            if self.started is None:
                self.started = event.timestamp
        else:
            self.custom = event.type.upper()[:64]


def outcome_of(event: TaskEvent) -> str:
    """How this event ends a run; empty when it does not."""
    kind = event.type
    if kind == "failed":
        # Newer workers announce a Reject as a failure, and only its text tells.
        text: str = event.data.get("exception", "")
        if text.startswith("reject requeue=False"):
            return "rejected"
        return "requeued" if text.startswith("reject requeue=True") else "failed"
    if kind == "rejected":
        return "requeued" if event.data.get("requeue") else "rejected"
    if kind == "cancelled":
        # The worker lost its connection and gave the task back as a retry.
        return "retried"
    return kind if kind in RANK else ""


def runs_of(events: list[TaskEvent]) -> tuple[Run, ...]:
    """The runs of a task, by attempt and time. ``events`` are in the total order."""
    sent: dict[int, TaskEvent] = {}
    drafts: list[_Draft] = []
    others: list[TaskEvent] = []
    for event in events:
        kind = event.type
        if kind == "received":
            drafts.append(_Draft(event.data.get("retries", 0), event))
        elif kind in _SENT:
            sent[event.data.get("retries", 0)] = event
        elif kind != SETTLED:
            others.append(event)
    if len(drafts) > 1:
        drafts.sort(key=_attempt)
    for event in others:
        _draft_for(event, drafts, sent).add(event)
    if len(drafts) > 1:
        drafts.sort(key=_attempt)
    return tuple([_finish(draft, sent.get(draft.retries)) for draft in drafts])


def _attempt(draft: _Draft) -> tuple[int, Timestamp]:
    return draft.retries, draft.begin


def _draft_for(event: TaskEvent, drafts: list[_Draft], sent: dict[int, TaskEvent]) -> _Draft:
    """The run that an event belongs to: only ``sent`` and ``received`` say it of themselves.

    A delivery goes to one host. Clocks of two hosts may differ by more than a task takes, so
    times are compared on one host only.
    """
    if len(drafts) == 1 and _is_its_only_run(event, drafts[0]):
        return drafts[0]
    at_home = [draft for draft in drafts if draft.worker == event.hostname]
    before = [draft for draft in at_home if draft.begin <= event.timestamp] or at_home
    found = _open_draft(event, [draft for draft in before if not draft.outcome])
    if found:
        return found
    is_custom = event.type != "started" and not outcome_of(event)
    if before and (is_custom or _tells_again(event, before)):
        return max(before, key=_attempt)
    latest = max(drafts, key=_attempt, default=None)
    if latest and is_custom:
        return latest
    # It was received, but the event that says so is missing: lost, or never sent.
    retries = latest.retries + (latest.outcome == "retried") if latest else 0
    drafts.append(_Draft(max(retries, max(sent, default=0)), event))
    return drafts[-1]


def _is_its_only_run(event: TaskEvent, draft: _Draft) -> bool:
    """True of nearly every event; what follows costs several times as much."""
    seen = draft.started is not None and event.type == "started"
    return draft.worker == event.hostname and not draft.outcome and not seen


def _open_draft(event: TaskEvent, drafts: list[_Draft]) -> _Draft | None:
    """Of the open runs on the event's host, the one it belongs to."""
    started = [draft for draft in drafts if draft.started is not None]
    if event.type == "started":
        waiting = [draft for draft in drafts if draft.started is None]
        # A retry is often received before the worker says that the attempt before it started.
        return min(waiting, key=lambda draft: (draft.retries, -draft.begin), default=None)
    runtime = event.data.get("runtime")
    if runtime is None or not started:
        return max(started or drafts, key=_attempt, default=None)
    begin = event.timestamp - runtime
    return min(started, key=lambda draft: abs((draft.started or 0.0) - begin))


def _tells_again(event: TaskEvent, drafts: list[_Draft]) -> bool:
    """Whether an end is one more word about a run that ended, not the end of an unseen one."""
    latest = max(drafts, key=_attempt)
    return event.type != "started" and latest.outcome != "retried"


def _finish(draft: _Draft, sent: TaskEvent | None) -> Run:
    anchor, end = draft.anchor, draft.end
    received = anchor.timestamp if anchor else None
    ended = end.timestamp if end else None
    data = end.data if end else {}
    runtime = data.get("runtime")
    if runtime is None and ended is not None and draft.started is not None:
        runtime = max(ended - draft.started, 0.0)
    return Run(
        draft.retries,
        draft.worker,
        received,
        draft.started,
        ended,
        draft.outcome,
        _wait(draft, sent.timestamp if sent else received),
        runtime,
        _exception(draft),
        draft.custom,
        end,
        draft.error,
    )


def _exception(draft: _Draft) -> str:
    """What the end says; of a task that was rejected for its failure, what the failure said."""
    if draft.outcome not in ("retried", "failed", "rejected"):
        return ""
    event = draft.end if draft.end and "exception" in draft.end.data else draft.error
    text: str = event.data.get("exception", "") if event else ""
    return text


def _wait(draft: _Draft, begun: Timestamp | None) -> float | None:
    """Seconds from sending (or the ETA) to the start."""
    if begun is None or draft.started is None:
        return None
    eta = draft.anchor.data.get("eta", 0.0) if draft.anchor else 0.0
    return max(draft.started - max(begun, eta), 0.0)
