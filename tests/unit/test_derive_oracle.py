"""In order, and where `celery.events.state.State` is right, its word and ours are the same."""

from __future__ import annotations

from typing import Any

from celery.events.state import State, Task
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.derive import Facts
from tests.streams import CLIENT, OTHER, WORKER, event, examples, facts, wire

Steps = list[tuple[str, str, dict[str, Any]]]
ENDS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.sampled_from(
    (
        ("succeeded", {"result": "42", "runtime": 0.25}),
        ("succeeded", {"result": "None"}),
        ("failed", {"exception": "KeyError('x')"}),
        ("revoked", {"terminated": True, "signum": "15"}),
    )
)


@st.composite
def in_order(draw: st.DrawFn) -> list[TaskEvent]:
    """One delivery for each attempt, told completely and in order, as far as it got."""
    steps: Steps = [("sent", CLIENT, {})] if draw(st.booleans()) else []
    retries = draw(st.integers(0, 3))
    host = WORKER
    end, data = draw(ENDS)
    # Celery ranks an app's own state above a revocation.
    own = end != "revoked" and draw(st.booleans())
    for attempt in range(retries + 1):
        again = {"retries": attempt} if attempt else {}
        host = draw(st.sampled_from((WORKER, OTHER)))
        steps += [("received", host, again), ("started", host, {})]
        if own:
            steps.append(("progress", host, {"custom": {"pct": 10}}))
        if attempt < retries:
            # The child sends the next attempt before its worker tells of the retry.
            steps.append(("sent", CLIENT, {"retries": attempt + 1}))
            steps.append(("retried", host, {"exception": "OSError()"}))
    steps.append((end, host, data))
    gap = draw(st.sampled_from((0.001, 0.5, 100.0)))
    told = [event(kind, n * gap, at, n + 1, **data) for n, (kind, at, data) in enumerate(steps)]
    return told[: draw(st.integers(1, len(told)))]


def celery_says(events: list[TaskEvent]) -> Task:
    state = State()
    for each in events:
        state.event(wire("t", each) | {"local_received": each.timestamp})
    # The stubs leave it out.
    task: Task = state.tasks["t"]  # type: ignore[attr-defined]
    return task


@examples(200)
@given(events=in_order())
def test_told_in_order_a_task_is_what_celery_says(events: list[TaskEvent]) -> None:
    ours, theirs = facts(*events), celery_says(events)
    assert ours.state == theirs.state
    assert (ours.worker or None) == (theirs.worker and theirs.worker.hostname)
    assert (ours.sent, ours.retries) == (theirs.sent, theirs.retries or 0)
    assert ours.name == (theirs.name or "")
    assert _times(ours) == _their_times(ours, theirs)
    assert (ours.result, ours.runtime) == (theirs.result or "", theirs.runtime)
    if ours.state in ("FAILURE", "RETRY"):
        assert ours.exception == theirs.exception


def _times(ours: Facts) -> list[float | None]:
    return [ours.received, ours.started, ours.finished]


def _their_times(ours: Facts, theirs: Task) -> list[float | None]:
    # What it says of an earlier attempt stays on the task.
    started = theirs.started if ours.state != "RECEIVED" else None
    finished = {
        "SUCCESS": theirs.succeeded,
        "FAILURE": theirs.failed,
        "REVOKED": theirs.revoked,
    }.get(ours.state)
    return [theirs.received, started, finished]
