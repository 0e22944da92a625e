"""A task's events grouped into runs: one delivery to one worker each."""

from __future__ import annotations

from typing import Final, NamedTuple

from django_celery_monitor.events import TaskEvent, Timestamp

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


class _Draft:
    """A run while its events are being collected."""

    __slots__ = ("anchor", "custom", "end", "outcome", "retries", "started", "worker")

    def __init__(self, retries: int, worker: str, anchor: TaskEvent | None) -> None:
        self.retries = retries
        self.worker = worker
        self.anchor = anchor
        self.started: Timestamp | None = None
        self.end: TaskEvent | None = None
        self.outcome = ""
        self.custom = ""

    def add(self, event: TaskEvent) -> None:
        outcome = outcome_of(event)
        if outcome:
            if RANK[outcome] >= RANK[self.outcome]:
                self.outcome, self.end = outcome, event
        elif event.type == "started":
            if self.started is None:
                self.started = event.timestamp
        else:
            self.custom = event.type.upper()[:64]
        self.worker = event.hostname


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
    for event in events:
        if event.type == "received":
            drafts.append(_Draft(event.data.get("retries", 0), event.hostname, event))
        elif event.type == "sent":
            sent[event.data.get("retries", 0)] = event
    drafts.sort(key=_attempt)
    for event in events:
        if event.type != "received" and event.type != "sent":
            _draft_for(event, drafts, max(sent, default=0)).add(event)
    drafts.sort(key=_attempt)
    return tuple([_finish(draft, sent.get(draft.retries)) for draft in drafts])


def _attempt(draft: _Draft) -> tuple[int, float]:
    return draft.retries, draft.anchor.timestamp if draft.anchor else float("inf")


def _draft_for(event: TaskEvent, drafts: list[_Draft], retries: int) -> _Draft:
    """The run that an event belongs to: only ``sent`` and ``received`` say it of themselves."""
    if len(drafts) == 1 and drafts[0].outcome != "retried":
        return drafts[0]
    if not drafts:
        drafts.append(_Draft(retries, event.hostname, None))
        return drafts[0]
    found = _nearest(event, drafts)
    if event.type == "revoked" and found.outcome == "retried":
        # The next attempt was revoked or expired before any worker reported it.
        found = _Draft(found.retries + 1, event.hostname, None)
        drafts.append(found)
    return found


def _nearest(event: TaskEvent, drafts: list[_Draft]) -> _Draft:
    """The latest delivery before the event, on the event's own host if there is one.

    Clocks of two hosts may differ by more than a task takes.
    """
    before = [
        draft for draft in drafts if draft.anchor and draft.anchor.timestamp <= event.timestamp
    ]
    at_home = [
        draft for draft in before if draft.anchor and draft.anchor.hostname == event.hostname
    ]
    candidates = at_home or before
    if not candidates:
        return next((d for d in drafts if d.worker == event.hostname), drafts[0])
    return max(candidates, key=lambda draft: draft.anchor.timestamp if draft.anchor else 0.0)


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
        data.get("exception", ""),
        draft.custom,
        end,
    )


def _wait(draft: _Draft, begun: Timestamp | None) -> float | None:
    """Seconds from sending (or the ETA) to the start."""
    if begun is None or draft.started is None:
        return None
    eta = draft.anchor.data.get("eta", 0.0) if draft.anchor else 0.0
    return max(draft.started - max(begun, eta), 0.0)
